// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace modelyard::hadoop {

// What a server answered instead of a result: the name of a Java class and its text. An answer like any other: whoever
// called decides what it means (RESYNC, "already registered").
struct RemoteException {
  std::string class_name;  // "org.apache.hadoop.yarn.exceptions.ApplicationMasterNotRegisteredException"
  std::string message;     // the first line of the server's text, without the class and the stack
  int detail = 0;          // RpcErrorCodeProto: 15 = FATAL_UNAUTHORIZED, 2 = no such method, …
  bool fatal = false;      // the server closed the connection with it

  // The class without its package.
  std::string_view short_class() const;
};

// A server's text is "CLASS: message\n\tat …"; at most 4 KiB of the first line are kept.
RemoteException make_remote_exception(std::string class_name, std::string_view text, int detail, bool fatal);

// For callers that only need a code and a text:
//   kUnauthenticated   InvalidToken, SaslException
//   kPermissionDenied  AccessControlException, AuthorizationException
//   kUnavailable       StandbyException, RetriableException, RpcServerException, FATAL without a class
//   kNotFound          FileNotFoundException, ApplicationNotFoundException
//   kInvalidArgument   InvalidResourceRequestException, InvalidLabelResourceRequestException,
//                      InvalidApplicationMasterRequestException, InvalidContainerReleaseException
//   kUnsupported       RpcNoSuchMethodException, RpcNoSuchProtocolException, VersionMismatch
//   kFailed            every other
Error to_error(const RemoteException& exception);

}  // namespace modelyard::hadoop
