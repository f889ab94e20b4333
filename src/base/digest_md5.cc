// SPDX-License-Identifier: Apache-2.0
#include "base/digest_md5.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <optional>

#include "base/strings.h"

namespace modelyard {
namespace {

constexpr size_t kChallengeMax = 2'047;  // RFC 2831, 2.1.1
constexpr size_t kDirectivesMax = 64;

struct Directive {
  std::string name;  // lower case
  std::string value;
};

Error not_a_list(std::string_view why) {
  return Error(ErrorCode::kProtocol,
               fmt::format("the server's DIGEST-MD5 message is not a list of directives: {}", why));
}

bool is_token(char c) {
  constexpr std::string_view kSeparators = "()<>@,;:\\\"/[]?={} \t";
  return c > 0x20 && c < 0x7f && kSeparators.find(c) == std::string_view::npos;
}

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '\r' || text.front() == '\n'))
    text.remove_prefix(1);
}

std::string take_token(std::string_view& text) {
  size_t size = 0;
  while (size < text.size() && is_token(text[size])) ++size;
  std::string out(text.substr(0, size));
  text.remove_prefix(size);
  return out;
}

// After the opening quote.
Result<std::string> take_quoted(std::string_view& text) {
  std::string out;
  while (!text.empty()) {
    char c = text.front();
    text.remove_prefix(1);
    if (c == '"') return out;
    if (c == '\\') {
      if (text.empty()) break;
      c = text.front();
      text.remove_prefix(1);
    }
    out.push_back(c);
  }
  return fail(not_a_list("a quoted text does not end"));
}

Result<std::vector<Directive>> parse_directives(std::string_view text) {
  if (text.size() > kChallengeMax) return fail(not_a_list("it is too long"));
  std::vector<Directive> out;
  while (true) {
    skip_blanks(text);
    while (!text.empty() && text.front() == ',') {  // empty elements are allowed
      text.remove_prefix(1);
      skip_blanks(text);
    }
    if (text.empty()) return out;
    if (out.size() == kDirectivesMax) return fail(not_a_list("it has too many"));
    Directive directive;
    directive.name = to_lower_ascii(take_token(text));
    skip_blanks(text);
    if (directive.name.empty() || text.empty() || text.front() != '=') return fail(not_a_list("name=value expected"));
    text.remove_prefix(1);
    skip_blanks(text);
    if (!text.empty() && text.front() == '"') {
      text.remove_prefix(1);
      MY_TRY(directive.value, take_quoted(text));
    } else {
      directive.value = take_token(text);
    }
    out.push_back(std::move(directive));
    skip_blanks(text);
    if (!text.empty() && text.front() != ',') return fail(not_a_list("a comma expected"));
  }
}

std::vector<std::string> words_of(std::string_view list) {
  std::vector<std::string> out;
  for (const std::string_view part : split(list, ',')) {
    if (const std::string_view word = trim_ascii(part); !word.empty()) out.push_back(to_lower_ascii(word));
  }
  return out;
}

// Texts are hashed as ISO 8859-1 where that has all their characters, else as UTF-8 (RFC 2831, 2.1.2.1).
std::optional<std::string> to_latin1(std::string_view utf8) {
  std::string out;
  for (size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    if (byte < 0x80) {
      out.push_back(utf8[i]);
      continue;
    }
    if (byte > 0xc3) return std::nullopt;
    out.push_back(static_cast<char>((byte & 0x03) << 6 | (static_cast<unsigned char>(utf8[++i]) & 0x3f)));
  }
  return out;
}

struct Charset {
  bool utf8 = false;

  Result<std::string> hashed(std::string_view text) const {
    if (!is_valid_utf8(text)) return fail(ErrorCode::kInvalidArgument, "DIGEST-MD5: a text is not UTF-8");
    if (std::optional<std::string> latin1 = to_latin1(text)) return std::move(*latin1);
    if (utf8) return std::string(text);
    return fail(ErrorCode::kInvalidArgument, "DIGEST-MD5: the server takes ISO 8859-1 alone");
  }
  Result<std::string> sent(std::string_view text) const { return utf8 ? Result<std::string>(text) : hashed(text); }
};

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

std::string_view view(const std::array<unsigned char, 16>& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Result<std::array<unsigned char, 16>> hash_a1(const DigestMd5Request& request) {
  const Charset charset{request.utf8};
  MY_TRY(const std::string user, charset.hashed(request.username));
  MY_TRY(const std::string realm, charset.hashed(request.realm));
  MY_TRY(std::string password, charset.hashed(request.password));
  std::string secret = fmt::format("{}:{}:{}", user, realm, password);
  const Result<std::array<unsigned char, 16>> inner = md5(secret);
  OPENSSL_cleanse(password.data(), password.size());
  OPENSSL_cleanse(secret.data(), secret.size());
  if (!inner) return fail(inner.error());
  return md5(fmt::format("{}:{}:{}", view(*inner), request.nonce, request.cnonce));
}

// `method` is "AUTHENTICATE" in the client's response, "" in the server's proof.
Result<std::string> response_value(const DigestMd5Request& request, std::string_view ha1, std::string_view method) {
  std::string a2 = fmt::format("{}:{}", method, request.digest_uri);
  if (request.qop != "auth") a2 += ":00000000000000000000000000000000";
  MY_TRY(const auto ha2, md5(a2));
  MY_TRY(const auto value, md5(fmt::format("{}:{}:{:08x}:{}:{}:{}", to_hex(ha1), request.nonce, request.nc,
                                           request.cnonce, request.qop, to_hex(view(ha2)))));
  return to_hex(view(value));
}

Status take_directive(DigestMd5Challenge& challenge, Directive& directive, bool& has_algorithm) {
  const auto& [name, value] = directive;
  if (name == "realm") {
    challenge.realms.push_back(std::move(directive.value));
  } else if (name == "nonce") {
    if (!challenge.nonce.empty()) return fail(not_a_list("two nonces"));
    challenge.nonce = std::move(directive.value);
  } else if (name == "qop") {
    challenge.qops = words_of(value);
  } else if (name == "cipher") {
    challenge.ciphers = words_of(value);
  } else if (name == "maxbuf") {
    const std::optional<int64_t> size = parse_int(value);
    if (!size || *size <= 16 || *size > 0xffffff) return fail(not_a_list("maxbuf is out of range"));
    challenge.maxbuf = static_cast<size_t>(*size);
  } else if (name == "charset") {
    challenge.utf8 = equal_ignoring_case_ascii(value, "utf-8");
  } else if (name == "stale") {
    challenge.stale = equal_ignoring_case_ascii(value, "true");
  } else if (name == "algorithm") {
    has_algorithm = equal_ignoring_case_ascii(value, "md5-sess");
  }
  return {};
}

}  // namespace

Result<std::array<unsigned char, 16>> md5(std::string_view bytes) {
  std::array<unsigned char, 16> digest{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_md5(), nullptr) != 1)
    return fail(ErrorCode::kUnsupported, "this machine's OpenSSL has no MD5, which DIGEST-MD5 needs");
  return digest;
}

Result<DigestMd5Challenge> parse_digest_md5_challenge(std::string_view text) {
  MY_TRY(std::vector<Directive> directives, parse_directives(text));
  DigestMd5Challenge challenge;
  bool has_algorithm = false;
  for (Directive& directive : directives) MY_TRY_VOID(take_directive(challenge, directive, has_algorithm));
  if (challenge.nonce.empty()) return fail(not_a_list("no nonce"));
  if (!has_algorithm) return fail(ErrorCode::kProtocol, "DIGEST-MD5: the server's algorithm is not md5-sess");
  if (challenge.qops.empty()) challenge.qops.emplace_back("auth");
  return challenge;
}

Result<DigestMd5Answer> answer_digest_md5(const DigestMd5Request& request) {
  const Charset charset{request.utf8};
  DigestMd5Answer answer;
  MY_TRY(answer.ha1, hash_a1(request));
  MY_TRY(answer.response, response_value(request, view(answer.ha1), "AUTHENTICATE"));
  MY_TRY(answer.rspauth, response_value(request, view(answer.ha1), ""));
  MY_TRY(const std::string user, charset.sent(request.username));
  MY_TRY(const std::string realm, charset.sent(request.realm));
  std::string& out = answer.message;
  if (request.utf8) out += "charset=utf-8,";
  out += fmt::format("username={}", quoted(user));
  if (!realm.empty()) out += fmt::format(",realm={}", quoted(realm));
  out += fmt::format(",nonce={},nc={:08x},cnonce={},digest-uri={}", quoted(request.nonce), request.nc,
                     quoted(request.cnonce), quoted(request.digest_uri));
  if (request.maxbuf != 0) out += fmt::format(",maxbuf={}", request.maxbuf);
  out += fmt::format(",response={},qop={}", answer.response, request.qop);
  if (!request.cipher.empty()) out += fmt::format(",cipher={}", quoted(request.cipher));
  return answer;
}

Status check_digest_md5_rspauth(std::string_view message, const DigestMd5Answer& answer) {
  MY_TRY(const std::vector<Directive> directives, parse_directives(message));
  for (const Directive& directive : directives) {
    if (directive.name != "rspauth") continue;
    const bool same = directive.value.size() == answer.rspauth.size() &&
                      CRYPTO_memcmp(directive.value.data(), answer.rspauth.data(), answer.rspauth.size()) == 0;
    if (same) return {};
    return fail(ErrorCode::kUnauthenticated, "DIGEST-MD5: the server does not prove that it knows the password");
  }
  return fail(ErrorCode::kProtocol, "DIGEST-MD5: the server's last message has no rspauth");
}

}  // namespace modelyard
