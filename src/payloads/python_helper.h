// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace modelyard::payloads {

// Two Python programs, standard library alone, Python 3.7 or newer.
//
// serve FILE FUNCTION: imports the file, serves the function as GET and POST /apply on $PORT and writes endpoint.dat.
std::string_view python_serve_program();
// check FILE FUNCTION: without running the file, says on stdout what is wrong with it and exits with 3, or exits with
// 0.
std::string_view python_check_program();

}  // namespace modelyard::payloads
