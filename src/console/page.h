// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/message.h"
#include "http/router.h"

namespace modelyard::console {

// The web page: `GET /` and `GET /console/FILE`, from the program itself. Every answer carries an ETag and is
// revalidated by the browser, and a policy that lets the page load nothing from, and tell nothing to, any other host.
// The files hold no data and no secret: a server that wants a token may give them to anybody, the page asks for the
// token when the API does.
void add_routes(http::Router& router);

// The answer to a request for that file of console/ (404 if there is none; 304 when If-None-Match names what we have).
http::Response answer(const http::Request& request, std::string_view path);

}  // namespace modelyard::console
