// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "http/message.h"

namespace modelyard::api {

struct GuardOptions {
  std::string listen_host;              // as given to --listen
  std::vector<std::string> host_names;  // of this machine
  std::string token;                    // "" = none wanted (on loopback)
};

// Who may ask, looked at before a body is read:
//   Host    must name this server: localhost and loopback addresses for one that listens there, else the listener's
//   address, the
//           machine's names, any address literal (a name that another site points at us is what must not pass). 403
//   Origin  if present, must be the Host itself; Sec-Fetch-Site: cross-site only for a person following a link to a
//   page. 403 Authorization: Bearer TOKEN, compared in constant time, where a token is set; not for /healthz and the
//   console's files. 401
// Requests over a Unix socket pass: its file mode is the guard.
http::Guard make_guard(GuardOptions options);

// Whether listening on this host reaches further than this machine.
bool is_loopback_host(std::string_view host);

}  // namespace modelyard::api
