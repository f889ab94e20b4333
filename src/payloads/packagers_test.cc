// SPDX-License-Identifier: Apache-2.0
#include "payloads/packagers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/clock.h"
#include "payloads/judge.h"
#include "payloads/python_helper.h"
#include "payloads/run_tool.h"

namespace modelyard::payloads {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// In a folder of its own as the present one.
class PackagersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    before_ = fs::current_path();
    fs::create_directories(folder_.path() / "my model");
    fs::current_path(folder_.path() / "my model");
  }
  void TearDown() override { fs::current_path(before_); }

  static void write(const std::string& file, std::string_view content, unsigned mode = 0644) {
    if (fs::path(file).has_parent_path()) fs::create_directories(fs::path(file).parent_path());
    ASSERT_TRUE(io::write_file_atomic(fs::absolute(file), content, mode));
  }
  static Result<Package> package(const std::string& word) {
    MY_TRY(const Source source, parse_source(word));
    return make_package(source);
  }
  static Result<Package> command(std::vector<std::string> words) {
    return make_package(command_source(std::move(words)));
  }
  static std::string script_of(const Package& package) {
    return *io::read_file(package.folder / *judge_payload(package.folder));
  }

  io::TemporaryFolder folder_ = *io::TemporaryFolder::make("modelyard-packagers-test");
  fs::path before_;
};

TEST_F(PackagersTest, AFolderIsTakenAsItIs) {
  write("rest.sh", "x");
  write("endpoint.dat", "x");
  const auto made = package(".");
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->folder, fs::canonical("."));
  EXPECT_EQ(made->default_name, "my-model");
  EXPECT_THAT(made->notes, ElementsAre(HasSubstr("endpoint.dat")));
  EXPECT_FALSE(made->owned);
}

struct RefusedRow {
  std::string name;
  std::string source;
  ErrorCode code;
  std::string why;
};
class Refused : public PackagersTest, public ::testing::WithParamInterface<RefusedRow> {};
TEST_P(Refused, SaysWhatAndWhatToDo) {
  write("model/app.py", "x = 1\n");
  write("app.py", "import math\n\ndef score(host):\n    return {}\n\nasync def other(): pass\n");
  write("bad.py", "def f(:\n    pass\n");
  write("file.sh", "x");
  const auto made = package(GetParam().source);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), GetParam().code);
  EXPECT_THAT(made.error().message(), HasSubstr(GetParam().why));
}
INSTANTIATE_TEST_SUITE_P(
    Source, Refused,
    ::testing::Values(
        RefusedRow{"Nothing", "", ErrorCode::kInvalidArgument, "SOURCE is a folder with one .sh"},
        RefusedRow{"NoFolder", "none", ErrorCode::kNotFound, "there is no folder none: SOURCE is"},
        RefusedRow{"NoScript", "model", ErrorCode::kInvalidArgument,
                   "model: the payload has no .sh file at its top level (found: app.py)"},
        RefusedRow{"ScriptItself", "file.sh", ErrorCode::kInvalidArgument, "deploy the folder that holds it"},
        RefusedRow{"PythonWithoutFunction", "app.py", ErrorCode::kInvalidArgument, "like app.py:score"},
        RefusedRow{"EmptyFunction", "app.py:", ErrorCode::kInvalidArgument, "names no function behind ':'"},
        RefusedRow{"NoFile", "none.py:f", ErrorCode::kNotFound, "there is no file none.py"},
        RefusedRow{"NoFunction", "app.py:nope", ErrorCode::kInvalidArgument,
                   "app.py has no function nope (it has: score, other)"},
        RefusedRow{"SyntaxError", "bad.py:f", ErrorCode::kInvalidArgument,
                   "bad.py:1:7: invalid syntax\ndef f(:\n      ^"}),
    [](const auto& row) { return row.param.name; });

TEST_F(PackagersTest, AFunctionIsPackedWithTheFilesAroundIt) {
  write("app.py", "from helper import f as score\n");
  write("helper.py", "def f(): pass\n");
  write("data/model.bin", "x");
  write("rest.sh", "not ours\n");
  write(".git/config", "x");
  write("__pycache__/a.pyc", "x");
  write("venv/pyvenv.cfg", "x");
  ASSERT_EQ(::symlink("/etc", "outside"), 0);
  const auto made = package("app.py:score");
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->default_name, "app");
  EXPECT_EQ(*judge_payload(made->folder), "start.sh");
  for (const char* const file :
       {"app/app.py", "app/helper.py", "app/data/model.bin", "app/rest.sh", "modelyard_serve.py"}) {
    EXPECT_TRUE(fs::exists(made->folder / file)) << file;
  }
  for (const char* const file : {"app/.git", "app/__pycache__", "app/venv", "app/outside"}) {
    EXPECT_FALSE(fs::exists(fs::symlink_status(made->folder / file))) << file;
  }
  EXPECT_THAT(made->notes, IsEmpty());
  EXPECT_TRUE(made->owned);
}

TEST_F(PackagersTest, WithTooMuchAroundItTheFileGoesAlone) {
  write("app.py", "def f(): pass\n");
  write("large", "");
  ASSERT_EQ(::truncate("large", off_t{300} << 20), 0);
  const auto made = package("app.py:f");
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_TRUE(fs::exists(made->folder / "app/app.py"));
  EXPECT_FALSE(fs::exists(made->folder / "app/large"));
  EXPECT_THAT(made->notes, ElementsAre(HasSubstr("only app.py is packed")));
}

TEST_F(PackagersTest, ACommandTakesTheFilesItNames) {
  write("serve/server.py", "x");
  write("serve/model.bin", "x");
  write("other/huge", "x");
  write("conf/a.json", "x");
  const auto made = command({"python3", "serve/server.py", "--config=conf/a.json", "--port", "$PORT"});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->default_name, "server");
  EXPECT_TRUE(fs::exists(made->folder / "app/serve/model.bin"));
  EXPECT_TRUE(fs::exists(made->folder / "app/conf/a.json"));
  EXPECT_FALSE(fs::exists(made->folder / "app/other"));
  EXPECT_THAT(script_of(*made),
              HasSubstr("exec 'python3' 'serve/server.py' '--config=conf/a.json' '--port' ''\"$PORT\"''"));
}

TEST_F(PackagersTest, ACommandWithoutFilesPacksNone) {
  write("secret", "x");
  const auto made = command({"python3", "-m", "http.server"});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->default_name, "python3");
  EXPECT_TRUE(fs::is_empty(made->folder / "app"));
}

TEST_F(PackagersTest, OneWordWithBlanksIsALineForAShell) {
  write("server.py", "x");
  const auto made = command({"MODE=fast python3 server.py --port $PORT"});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_TRUE(fs::exists(made->folder / "app/server.py"));
  EXPECT_THAT(script_of(*made), HasSubstr("exec '/bin/sh' '-c' 'MODE=fast python3"));
}

TEST_F(PackagersTest, WhatLiesOutsideIsUsedWhereItIs) {
  ASSERT_TRUE(io::write_file_atomic(folder_.path() / "weights", "x"));
  const auto made = command({"cat", "../weights"});
  ASSERT_TRUE(made);
  EXPECT_THAT(script_of(*made), HasSubstr("'" + fs::canonical(folder_.path()).string() + "/weights'"));
  EXPECT_THAT(made->notes, SizeIs(1));
}

TEST_F(PackagersTest, ACommandMustExist) {
  EXPECT_EQ(command({}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(command({"no-such-program-here"}).error().message(), HasSubstr("looked for in PATH"));
  EXPECT_EQ(command({"./none"}).error().code(), ErrorCode::kNotFound);
}

TEST_F(PackagersTest, WordsReachTheCommandAsTheyAre) {
  const auto made = command({"/bin/echo", "it's", "$HOME", "a\"b", "-p${PORT}x", "$PORTS", "`id`", ""});
  ASSERT_TRUE(made);
  const auto ran =
      run_tool({"env", "PORT=1", "bash", "-c", "cd '" + made->folder.string() + "' && exec ./start.sh"}, seconds(10));
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->text, "it's $HOME a\"b -p1x $PORTS `id` \n");
}

// Each line: an expression that must hold. m = the helper.
constexpr const char* kCasts = R"py(
import enum, typing, sys, json
sys.argv = ["x"]
import modelyard_serve as m

class Colour(enum.Enum):
    red = "r"
    blue = "b"

def function(host: str, n: int = 1, w: float = 2.5, flag: bool = False, tags: typing.List[int] = (), doc: dict = None,
             maybe: typing.Optional[int] = 7, either: typing.Union[int, str] = 0, colour: Colour = None,
             mode: "typing.Literal['a', 'b']" = "a", plain="p"):
    return dict(locals())

model = m.Model("function", function)

def call(*pairs, **body):
    return model.call(model.arguments([tuple(p.split("=", 1)) for p in pairs], body))

def refused(*pairs, **body):
    try:
        call(*pairs, **body)
    except m.BadArgument as error:
        return str(error)

def check(holds, what):
    if not holds:
        print("not so:", what)
        sys.exit(1)

checks = [
    (call("host=h")["n"] == 1, "defaults stay"),
    (call("host=h", "n=-4")["n"] == -4, "int"),
    (call("host=h", "w=3")["w"] == 3.0, "float"),
    ([call("host=h", "flag=" + t)["flag"] for t in ("true", "1", "Yes", "off", "")] == [True, True, True, False, False], "bool"),
    (call("host=h", "tags=1", "tags=2")["tags"] == [1, 2], "a repeated name is a list"),
    (call("host=h", "tags=[3,4]")["tags"] == [3, 4], "a list as JSON"),
    (call("host=h", 'doc={"a":[1]}')["doc"] == {"a": [1]}, "dict"),
    (call("host=h", "maybe=")["maybe"] is None and call("host=h", "maybe=5")["maybe"] == 5, "Optional"),
    (call("host=h", "either=5")["either"] == 5 and call("host=h", "either=x")["either"] == "x", "Union asks str last"),
    (call("host=h", "colour=red")["colour"] is Colour.red and call("host=h", "colour=b")["colour"] is Colour.blue, "Enum"),
    (call("host=h", "mode=b")["mode"] == "b", "Literal"),
    (call("host=1", "plain=1")["plain"] == "1", "no annotation is text"),
    (call(host="h", n=3, w=1, doc={"x": 1})["w"] == 1.0, "a JSON body is typed already"),
    (call(host="h", n="3")["n"] == 3, "text in a JSON body is cast"),
    ("argument n must be int" in refused("host=h", "n=x"), "not an int"),
    ("argument flag must be bool" in refused("host=h", "flag=maybe"), "not a bool"),
    ("must be one of a, b" in refused("host=h", "mode=c"), "not one of Literal"),
    ("takes no argument other" in refused("host=h", "other=1"), "unknown argument"),
    ("missing a required argument: 'host'" in refused(), "missing argument"),
    (m.Model("f", lambda **k: k).call({"a": 1}) == {"a": 1}, "any arguments"),
    (m.Model("f", lambda: 5).call({}) == {"result": 5}, "no dict"),
    (json.dumps({"a": {1}, "b": Colour.red, "c": b"x"}, default=m.plain) == '{"a": [1], "b": "r", "c": "x"}', "odd values"),
]

async def later(n: int):
    return {"n": n}
checks.append((m.Model("later", later).call({"n": 2}) == {"n": 2}, "async"))
for holds, what in checks:
    check(holds, what)
print("all", len(checks))
)py";

TEST(PythonHelper, CastsByAnnotation) {
  const auto folder = *io::TemporaryFolder::make("modelyard-helper-test");
  ASSERT_TRUE(io::write_file_atomic(folder.path() / "modelyard_serve.py", python_serve_program()));
  ASSERT_TRUE(io::write_file_atomic(folder.path() / "casts.py", kCasts));
  const auto ran = run_tool({"python3", "-B", (folder.path() / "casts.py").string()}, seconds(30));
  ASSERT_TRUE(ran) << ran.error().message();
  EXPECT_EQ(ran->text, "all 23\n");
}

TEST(RunTool, SaysHowItEnded) {
  EXPECT_EQ(run_tool({"sh", "-c", "echo a; echo b >&2; exit 3"}, seconds(10))->exit_code, 3);
  EXPECT_EQ(run_tool({"sh", "-c", "kill -9 $$"}, seconds(10))->exit_code, 137);
  EXPECT_EQ(run_tool({"sleep", "1000"}, milliseconds(50)).error().code(), ErrorCode::kDeadline);
  EXPECT_EQ(run_tool({"no-such-program"}, seconds(1)).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(run_tool({"sh", "-c", "yes | head -c 1000000"}, seconds(10))->text.size(), size_t{64} << 10);
}

}  // namespace
}  // namespace modelyard::payloads
