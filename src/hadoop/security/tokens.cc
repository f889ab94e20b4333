// SPDX-License-Identifier: Apache-2.0
#include "hadoop/security/tokens.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "hadoop/proto/hadoop.pb.h"
#include "hadoop/security/writable.h"
#include "io/file.h"

namespace modelyard::hadoop {
namespace {

constexpr std::string_view kMagic = "HDTS";

Result<Token> read_token(WritableReader& in) {
  Token token;
  MY_TRY(token.identifier, in.read_bytes());
  MY_TRY(token.password, in.read_bytes());
  MY_TRY(token.kind, in.read_bytes());
  MY_TRY(token.service, in.read_bytes());
  return token;
}

void append_token(std::string& out, const Token& token) {
  append_writable(out, token.identifier);
  append_writable(out, token.password);
  append_writable(out, token.kind);
  append_writable(out, token.service);
}

Result<Credentials> parse_writable(std::string_view bytes) {
  WritableReader in(bytes);
  Credentials out;
  MY_TRY(const size_t tokens, in.read_count(5));
  for (size_t i = 0; i < tokens; ++i) {
    MY_TRY(std::string alias, in.read_bytes());
    MY_TRY(Token token, read_token(in));
    out.tokens.emplace_back(std::move(alias), std::move(token));
  }
  MY_TRY(const size_t secrets, in.read_count(2));
  for (size_t i = 0; i < secrets; ++i) {
    MY_TRY(std::string alias, in.read_bytes());
    MY_TRY(out.secrets[std::move(alias)], in.read_bytes());
  }
  if (!in.rest().empty()) return fail(ErrorCode::kProtocol, "the token file goes on behind its end");
  return out;
}

Result<Credentials> parse_protobuf(std::string_view bytes) {
  MY_TRY(const std::string_view message, take_delimited(bytes));
  pb::Credentials in;
  if (!bytes.empty() || !in.ParseFromArray(message.data(), static_cast<int>(message.size())))
    return fail(ErrorCode::kProtocol, "the token file is damaged");
  Credentials out;
  for (pb::Credentials::Entry& entry : *in.mutable_tokens()) {
    pb::Token& token = *entry.mutable_token();
    out.tokens.emplace_back(std::move(*entry.mutable_alias()),
                            Token{std::move(*token.mutable_identifier()), std::move(*token.mutable_password()),
                                  std::move(*token.mutable_kind()), std::move(*token.mutable_service())});
  }
  for (pb::Credentials::Entry& entry : *in.mutable_secrets())
    out.secrets[std::move(*entry.mutable_alias())] = std::move(*entry.mutable_secret());
  return out;
}

std::string write_protobuf(const Credentials& credentials) {
  pb::Credentials out;
  for (const auto& [alias, token] : credentials.tokens) {
    pb::Credentials::Entry& entry = *out.add_tokens();
    entry.set_alias(alias);
    entry.mutable_token()->set_identifier(token.identifier);
    entry.mutable_token()->set_password(token.password);
    entry.mutable_token()->set_kind(token.kind);
    entry.mutable_token()->set_service(token.service);
  }
  for (const auto& [alias, secret] : credentials.secrets) {
    pb::Credentials::Entry& entry = *out.add_secrets();
    entry.set_alias(alias);
    entry.set_secret(secret);
  }
  std::string bytes;
  append_delimited(bytes, out.SerializeAsString());
  return bytes;
}

}  // namespace

const Token* Credentials::find(std::string_view kind) const {
  const auto found = std::find_if(tokens.begin(), tokens.end(), [&](const auto& t) { return t.second.kind == kind; });
  return found == tokens.end() ? nullptr : &found->second;
}

Credentials Credentials::for_workers() const {
  Credentials out = *this;
  std::erase_if(out.tokens, [](const auto& token) { return token.second.kind == kAmRmToken; });
  return out;
}

Result<Credentials> parse_credentials(std::string_view bytes) {
  if (bytes.size() > kCredentialsMax) return fail(ErrorCode::kResourceExhausted, "the token file is too long");
  if (bytes.size() <= kMagic.size() || !bytes.starts_with(kMagic))
    return fail(ErrorCode::kProtocol, "this is no token file of Hadoop");
  const auto version = static_cast<unsigned char>(bytes[kMagic.size()]);
  bytes.remove_prefix(kMagic.size() + 1);
  if (version == 0) return parse_writable(bytes);
  if (version == 1) return parse_protobuf(bytes);
  return fail(ErrorCode::kUnsupported, fmt::format("the token file has version {}, 0 and 1 are known", version));
}

std::string write_credentials(const Credentials& credentials, CredentialsVersion version) {
  std::string out(kMagic);
  out.push_back(static_cast<char>(version));
  if (version == CredentialsVersion::kProtobuf) return out + write_protobuf(credentials);
  append_vint(out, static_cast<int64_t>(credentials.tokens.size()));
  for (const auto& [alias, token] : credentials.tokens) {
    append_writable(out, alias);
    append_token(out, token);
  }
  append_vint(out, static_cast<int64_t>(credentials.secrets.size()));
  for (const auto& [alias, secret] : credentials.secrets) {
    append_writable(out, alias);
    append_writable(out, secret);
  }
  return out;
}

Result<Credentials> read_credentials(const std::filesystem::path& file) {
  Result<std::string> bytes = io::read_file(file, kCredentialsMax);
  if (!bytes) return fail(std::move(bytes).error().with_context("the token file"));
  Result<Credentials> out = parse_credentials(*bytes);
  if (!out) return fail(std::move(out).error().with_context(file.string()));
  return out;
}

std::string to_url_string(const Token& token) {
  std::string bytes;
  append_token(bytes, token);
  return base64url_encode(bytes);
}

Result<Token> token_from_url_string(std::string_view text) {
  const std::optional<std::string> bytes = base64_decode(text);
  if (!bytes) return fail(ErrorCode::kProtocol, "the token's text is not base64");
  WritableReader in(*bytes);
  Result<Token> token = read_token(in);
  if (!token || !in.rest().empty()) return fail(ErrorCode::kProtocol, "the token's text is damaged");
  return token;
}

}  // namespace modelyard::hadoop
