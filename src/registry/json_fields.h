// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "json/tree.h"

// How this module's records read their members: an absent or null member is the fallback, one of a wrong type an error.
namespace modelyard::registry::internal {

// Reads members of one object; the first that is wrong is kept as the error and the rest are skipped.
class Fields {
 public:
  Fields(const json::Tree& object, std::string_view what);

  void read(std::string_view key, std::string& out);
  void read(std::string_view key, int64_t& out);
  void read(std::string_view key, int& out);
  void read(std::string_view key, bool& out);
  void read(std::string_view key, std::map<std::string, std::string>& out);
  void read(std::string_view key, std::vector<std::string>& out);
  void require(std::string_view key, std::string& out);
  // The member, or null if it is absent or null, or the reading has failed.
  const json::Tree* find(std::string_view key) const;
  void fail(std::string message);
  void fail(const Error& error) { fail(error.message()); }

  Status status() const;

 private:
  void wrong(std::string_view key, std::string_view wanted);
  const json::Tree& object_;
  std::string what_;
  std::optional<std::string> error_;
};

}  // namespace modelyard::registry::internal
