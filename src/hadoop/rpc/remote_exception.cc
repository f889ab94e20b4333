// SPDX-License-Identifier: Apache-2.0
#include "hadoop/rpc/remote_exception.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace modelyard::hadoop {
namespace {

constexpr size_t kTextMax = 4096;

struct Known {
  std::string_view class_name;
  ErrorCode code;
};
constexpr std::array kKnown = {
    Known{"InvalidToken", ErrorCode::kUnauthenticated},
    Known{"SaslException", ErrorCode::kUnauthenticated},
    Known{"AccessControlException", ErrorCode::kPermissionDenied},
    Known{"AuthorizationException", ErrorCode::kPermissionDenied},
    Known{"StandbyException", ErrorCode::kUnavailable},
    Known{"RetriableException", ErrorCode::kUnavailable},
    Known{"RpcServerException", ErrorCode::kUnavailable},
    Known{"NMNotYetReadyException", ErrorCode::kUnavailable},
    Known{"FileNotFoundException", ErrorCode::kNotFound},
    Known{"ApplicationNotFoundException", ErrorCode::kNotFound},
    Known{"InvalidResourceRequestException", ErrorCode::kInvalidArgument},
    Known{"InvalidLabelResourceRequestException", ErrorCode::kInvalidArgument},
    Known{"InvalidApplicationMasterRequestException", ErrorCode::kInvalidArgument},
    Known{"InvalidContainerReleaseException", ErrorCode::kInvalidArgument},
    Known{"RpcNoSuchMethodException", ErrorCode::kUnsupported},
    Known{"RpcNoSuchProtocolException", ErrorCode::kUnsupported},
    Known{"VersionMismatch", ErrorCode::kUnsupported},
};

}  // namespace

std::string_view RemoteException::short_class() const {
  const size_t at = class_name.find_last_of(".$");
  return std::string_view(class_name).substr(at == std::string::npos ? 0 : at + 1);
}

RemoteException make_remote_exception(std::string class_name, std::string_view text, int detail, bool fatal) {
  text = text.substr(0, text.find('\n'));
  if (!class_name.empty() && text.starts_with(class_name)) {
    text.remove_prefix(class_name.size());
    if (text.starts_with(":")) text.remove_prefix(1);
  }
  class_name.resize(std::min<size_t>(class_name.size(), 256));
  return {to_valid_utf8(class_name), to_valid_utf8(trim_ascii(text.substr(0, kTextMax))), detail, fatal};
}

Error to_error(const RemoteException& exception) {
  const std::string_view name = exception.short_class();
  const auto known = std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& k) { return k.class_name == name; });
  const ErrorCode otherwise = name.empty() && exception.fatal ? ErrorCode::kUnavailable : ErrorCode::kFailed;
  return Error(known != kKnown.end() ? known->code : otherwise,
               fmt::format("{}: {}", name.empty() ? "the server refuses" : name,
                           exception.message.empty() ? "no reason given" : exception.message));
}

}  // namespace modelyard::hadoop
