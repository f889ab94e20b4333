// SPDX-License-Identifier: Apache-2.0
#include "hadoop/rpc/connection.h"

#include <gtest/gtest.h>

#include "hadoop/proto/hadoop.pb.h"
#include "hadoop/security/writable.h"
#include "hadoop/testing/server_machine.h"

namespace modelyard::hadoop::rpc {
namespace {

using testing::ServerMachine;
using testing::ServerOptions;

const Token kToken{"identifier", "password", std::string(kAmRmToken), ""};
constexpr const char* kNotRegistered = "org.apache.hadoop.yarn.exceptions.ApplicationMasterNotRegisteredException";

ConnectionOptions client_options(bool with_token = true) {
  ConnectionOptions options;
  options.protocol = "org.example.Protocol";
  if (with_token) options.token = kToken;
  options.user = "alice";
  options.client_id = "0123456789abcdef";
  options.cnonce = "a client's nonce";
  options.packet_max = 1 << 20;
  options.in_flight_max = 3;
  return options;
}

// Bytes go to and fro until neither has any more. The first error of either.
Status talk(Connection& client, ServerMachine& server) {
  for (int round = 0; round < 100; ++round) {
    const std::string up = client.take_output();
    MY_TRY_VOID(server.feed(up));
    const std::string down = server.take_output();
    if (up.empty() && down.empty()) return {};
    MY_TRY_VOID(client.feed(down));
  }
  return fail(ErrorCode::kInternal, "they never end");
}

struct Row {
  std::string name;
  ServerOptions server;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

std::vector<Row> rows() {
  const std::vector<Token> tokens{{"another", "x", "K", ""}, kToken};
  return {{"simple", {}},
          {"token", {.tokens = tokens}},
          {"challenge_after", {.tokens = tokens, .challenge_with_offer = false}},
          {"integrity", {.tokens = tokens, .qop = "auth-int"}},
          {"privacy", {.tokens = tokens, .qop = "auth-conf"}},
          {"privacy_in_pieces", {.tokens = tokens, .qop = "auth-conf", .wrapped_max = 3, .maxbuf = 70}}};
}

class Exchange : public ::testing::TestWithParam<Row> {
 protected:
  Connection client() { return Connection(client_options(!GetParam().server.tokens.empty())); }
};

TEST_P(Exchange, SeveralCallsAreAnsweredInTheServersOrder) {
  Connection connection = client();
  ServerMachine server(GetParam().server);
  ASSERT_TRUE(talk(connection, server));
  ASSERT_EQ(connection.state(), Connection::State::kReady);
  const int32_t first = connection.begin_call("register", "request 1").value();
  const int32_t second = connection.begin_call("allocate", std::string(5'000, 'q')).value();
  ASSERT_TRUE(connection.ping());
  ASSERT_TRUE(talk(connection, server));
  const ServerMachine::Call one = server.next_call().value();
  const ServerMachine::Call two = server.next_call().value();
  EXPECT_EQ(one.method, "register");
  EXPECT_EQ(one.body, "request 1");
  EXPECT_EQ(one.protocol, "org.example.Protocol");
  EXPECT_EQ(two.body.size(), 5'000U);
  EXPECT_EQ(server.pings(), 1);
  EXPECT_EQ(server.protocol(), "org.example.Protocol");
  EXPECT_EQ(server.user(), GetParam().server.tokens.empty() ? "alice" : "");
  server.refuse(two.id, kNotRegistered, "register first");
  server.reply(one.id, "answer 1");
  ASSERT_TRUE(talk(connection, server));
  const auto refused = connection.next_completed().value();
  const auto answered = connection.next_completed().value();
  EXPECT_EQ(refused.call, second);
  ASSERT_TRUE(refused.answer.exception);
  EXPECT_EQ(refused.answer.exception->class_name, kNotRegistered);
  EXPECT_EQ(refused.answer.exception->short_class(), "ApplicationMasterNotRegisteredException");
  EXPECT_EQ(refused.answer.exception->message, "register first");
  EXPECT_EQ(answered.call, first);
  EXPECT_EQ(answered.answer.body, "answer 1");
  EXPECT_FALSE(connection.next_completed());
  EXPECT_EQ(connection.in_flight(), 0U);
}

// The server's bytes of a whole life: the negotiation, then an answer.
TEST_P(Exchange, BytesMayComeInAnyPieces) {
  Connection connection = client();
  ServerMachine server(GetParam().server);
  const auto step = [&] {
    ASSERT_TRUE(server.feed(connection.take_output()));
    for (const char byte : server.take_output()) ASSERT_TRUE(connection.feed({&byte, 1}));
  };
  for (int i = 0; i < 4; ++i) step();
  ASSERT_EQ(connection.state(), Connection::State::kReady);
  ASSERT_TRUE(connection.begin_call("allocate", "q"));
  step();
  server.reply(server.next_call()->id, std::string(300, 'a'));
  step();
  EXPECT_EQ(connection.next_completed().value().answer.body, std::string(300, 'a'));
}

// At each step of the exchange the server's bytes are damaged, one byte after the other. Never a wrong answer: an
// error, or a wait for more, or (bytes that mean nothing) what would have come anyway.
TEST_P(Exchange, EachDamagedByteOfTheServerIsAnErrorOrHarmless) {
  const auto run = [&](size_t damaged_step, size_t damaged_byte, size_t& step_bytes) -> Result<std::string> {
    Connection connection = client();
    ServerMachine server(GetParam().server);
    bool called = false;
    for (size_t step = 0; step < 8; ++step) {
      MY_TRY_VOID(server.feed(connection.take_output()));
      if (const auto call = server.next_call()) server.reply(call->id, "the answer");
      std::string down = server.take_output();
      if (step == damaged_step) {
        step_bytes = down.size();
        if (damaged_byte < down.size()) down[damaged_byte] = static_cast<char>(down[damaged_byte] ^ 0x41);
      }
      MY_TRY_VOID(connection.feed(down));
      if (const auto completed = connection.next_completed()) {
        if (completed->answer.exception) return fail(to_error(*completed->answer.exception));
        return completed->answer.body;
      }
      if (connection.state() == Connection::State::kReady && !called) {
        called = true;
        MY_TRY(const int32_t number, connection.begin_call("m", "q"));
        EXPECT_EQ(number, 0);
      }
    }
    return fail(ErrorCode::kDeadline, "nothing more comes");
  };
  size_t unused = 0;
  ASSERT_EQ(run(99, 0, unused).value(), "the answer");
  const bool is_protected = GetParam().server.qop != "auth";
  for (size_t step = 0; step < 8; ++step) {
    size_t bytes = 1;
    for (size_t byte = 0; byte < bytes; ++byte) {
      const Result<std::string> got = run(step, byte, bytes);
      if (is_protected && got) EXPECT_EQ(*got, "the answer") << "step " << step << " byte " << byte;
      if (bytes == 0) break;
    }
  }
}

TEST_P(Exchange, AFatalAnswerEndsIt) {
  Connection connection = client();
  ServerMachine server(GetParam().server);
  ASSERT_TRUE(talk(connection, server));
  ASSERT_TRUE(connection.begin_call("allocate", ""));
  ASSERT_TRUE(server.feed(connection.take_output()));
  server.refuse(server.next_call()->id, "org.apache.hadoop.security.token.SecretManager$InvalidToken", "gone", 15,
                true);
  const Status status = connection.feed(server.take_output());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kUnauthenticated);
  EXPECT_EQ(connection.state(), Connection::State::kClosed);
  ASSERT_TRUE(connection.fatal());
  EXPECT_EQ(connection.fatal()->short_class(), "InvalidToken");
  EXPECT_EQ(connection.fatal()->message, "gone");
  EXPECT_EQ(connection.begin_call("allocate", "").error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(connection.feed("x").error().code(), ErrorCode::kUnavailable);
}

INSTANTIATE_TEST_SUITE_P(Rows, Exchange, ::testing::ValuesIn(rows()), [](const auto& info) { return info.param.name; });

TEST(Connection, WhatThePacketsLookLike) {
  Connection connection(client_options(false));
  EXPECT_EQ(connection.take_output(),
            std::string("hrpc\x09\0\0", 7) + std::string("\0\0\0\x3b", 4) +  // head, length
                std::string("\x1a\x08\x02\x10\0\x18\x05\x22\x10", 9) + "0123456789abcdef" + "\x28\x01" +  // header
                std::string("\x1f\x12\x07\x0a\x05", 5) + "alice" + "\x1a\x14" + "org.example.Protocol");
  ASSERT_TRUE(connection.begin_call("m", "q"));
  const std::string call = connection.take_output();
  EXPECT_EQ(call.substr(call.size() - 2), "\x01q");
  Connection sasl(client_options(true));
  EXPECT_EQ(sasl.take_output(),
            std::string("hrpc\x09\0\xdf\0\0\0\x0e\x0a\x08\x02\x10\0\x18\x41\x22\0\x28\x01\x02\x10\x01", 25));
}

Error negotiation_error(ServerOptions options) {
  Connection connection(client_options());
  ServerMachine server(std::move(options));
  const Status status = talk(connection, server);
  EXPECT_FALSE(status);
  EXPECT_NE(connection.state(), Connection::State::kReady);
  return status ? Error(ErrorCode::kInternal, "none") : status.error();
}

TEST(Negotiation, AnotherMechanismIsNamed) {
  const Error error = negotiation_error({.tokens = {kToken}, .mechanism = "SCRAM-SHA-256"});
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_NE(error.message().find("TOKEN by SCRAM-SHA-256"), std::string::npos) << error.message();
}

TEST(Negotiation, ATokenThatTheServerDoesNotKnowIsRefused) {
  const Error unknown = negotiation_error({.tokens = {{"other", "password", "K", ""}}});
  EXPECT_EQ(unknown.code(), ErrorCode::kUnauthenticated);
  EXPECT_EQ(unknown.message(), "InvalidToken: not found in AMRMTokenSecretManager.");
  const Error password = negotiation_error({.tokens = {{"identifier", "another", "K", ""}}});
  EXPECT_EQ(password.code(), ErrorCode::kUnauthenticated);
}

TEST(Negotiation, AServerWithoutTheTokensPasswordIsNotBelieved) {
  EXPECT_EQ(negotiation_error({.tokens = {kToken}, .wrong_proof = true}).code(), ErrorCode::kUnauthenticated);
}

TEST(Negotiation, NoCipherInCommonIsSaid) {
  const Error error = negotiation_error({.tokens = {kToken}, .qop = "auth-conf", .ciphers = "3des,des"});
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
}

std::string sasl_packet(pb::RpcSasl::State state, const std::string& token,
                        uint32_t call = static_cast<uint32_t>(-33)) {
  pb::RpcResponseHeader header;
  header.set_call_id(call);
  header.set_status(0);
  pb::RpcSasl message;
  message.set_state(state);
  message.set_token(token);
  std::string rest;
  append_delimited(rest, header.SerializeAsString());
  append_delimited(rest, message.SerializeAsString());
  std::string out;
  append_int32(out, static_cast<uint32_t>(rest.size()));
  return out + rest;
}

TEST(Negotiation, SuccessWithoutAChallengeIsNoSuccess) {
  Connection connection(client_options());
  EXPECT_EQ(connection.feed(sasl_packet(pb::RpcSasl::SUCCESS, "")).error().code(), ErrorCode::kUnauthenticated);
}

TEST(Negotiation, MessagesOutOfTurnAreRefused) {
  for (const auto state : {pb::RpcSasl::CHALLENGE, pb::RpcSasl::INITIATE, pb::RpcSasl::RESPONSE, pb::RpcSasl::WRAP}) {
    Connection connection(client_options());
    EXPECT_EQ(connection.feed(sasl_packet(state, "nonce=\"x\"")).error().code(), ErrorCode::kProtocol) << state;
  }
  // An answer while the negotiation goes on.
  Connection connection(client_options());
  EXPECT_EQ(connection.feed(sasl_packet(pb::RpcSasl::SUCCESS, "", 0)).error().code(), ErrorCode::kProtocol);
}

TEST(Negotiation, AnUnprotectedPacketBehindAProtectionIsRefused) {
  for (const char* qop : {"auth-int", "auth-conf"}) {
    Connection connection(client_options());
    ServerMachine server({.tokens = {kToken}, .qop = qop});
    ASSERT_TRUE(talk(connection, server));
    ASSERT_TRUE(connection.begin_call("m", ""));
    EXPECT_EQ(connection.feed(sasl_packet(pb::RpcSasl::SUCCESS, "", 0)).error().code(), ErrorCode::kProtocol);
    EXPECT_FALSE(connection.next_completed());
  }
}

TEST(Limits, PacketsAndCallsInFlightAreBounded) {
  Connection connection(client_options(false));
  EXPECT_EQ(connection.begin_call("m", std::string((1 << 20) + 1, 'x')).error().code(), ErrorCode::kResourceExhausted);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(connection.begin_call("m", "").value(), i);
  connection.forget(1);  // still in flight
  EXPECT_EQ(connection.begin_call("m", "").error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(connection.feed(std::string("\x7f\0\0\0", 4)).error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(connection.in_flight(), 0U);
}

TEST(Calls, AForgottenCallsAnswerIsDroppedAndAnUnknownOneEndsIt) {
  Connection connection(client_options(false));
  ServerMachine server({});
  const int32_t call = connection.begin_call("m", "").value();
  connection.forget(call);
  connection.forget(77);
  ASSERT_TRUE(talk(connection, server));
  server.reply(call, "late");
  ASSERT_TRUE(connection.feed(server.take_output()));
  EXPECT_FALSE(connection.next_completed());
  server.reply(call, "again");
  EXPECT_EQ(connection.feed(server.take_output()).error().code(), ErrorCode::kProtocol);
}

TEST(RemoteExceptions, BecomeCodes) {
  const std::pair<const char*, ErrorCode> table[] = {
      {"org.apache.hadoop.security.token.SecretManager$InvalidToken", ErrorCode::kUnauthenticated},
      {"org.apache.hadoop.security.AccessControlException", ErrorCode::kPermissionDenied},
      {"org.apache.hadoop.ipc.StandbyException", ErrorCode::kUnavailable},
      {"org.apache.hadoop.yarn.exceptions.InvalidResourceRequestException", ErrorCode::kInvalidArgument},
      {"org.apache.hadoop.ipc.RpcNoSuchMethodException", ErrorCode::kUnsupported},
      {"java.lang.NullPointerException", ErrorCode::kFailed},
      {"", ErrorCode::kFailed}};
  for (const auto& [name, code] : table) EXPECT_EQ(to_error({name, "why"}).code(), code) << name;
  const RemoteException read = make_remote_exception("a.B", "a.B: why\n\tat x", 1, false);
  EXPECT_EQ(to_error(read).message(), "B: why");
  EXPECT_EQ(make_remote_exception("a.B", "", 1, false).message, "");
  EXPECT_EQ(make_remote_exception(std::string(9'999, 'c'), std::string(9'999, 'x'), 1, true).message.size(), 4096U);
}

}  // namespace
}  // namespace modelyard::hadoop::rpc
