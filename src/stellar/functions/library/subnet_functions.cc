// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/helpers.h"

namespace modelyard::stellar {
namespace {

// Four decimal numbers of one to three digits, each at most 255; `text` is left after them.
std::optional<uint32_t> parse_address(std::string_view& text) {
  uint32_t address = 0;
  size_t pos = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && (pos >= text.size() || text[pos++] != '.')) return std::nullopt;
    uint32_t value = 0;
    size_t digits = 0;
    while (pos < text.size() && text[pos] >= '0' && text[pos] <= '9' && digits < 4)
      value = value * 10 + static_cast<uint32_t>(text[pos++] - '0'), ++digits;
    if (digits == 0 || digits > 3 || value > 255) return std::nullopt;
    address = address << 8 | value;
  }
  text.remove_prefix(pos);
  return address;
}

// The addresses that belong to a subnet: neither its network address nor its broadcast address does. A /31 and a /32
// hold nothing, which the reference writes as 0..0.
struct Subnet {
  uint32_t low = 0;
  uint32_t high = 0;
};

std::optional<Subnet> parse_subnet(std::string_view text) {
  const std::optional<uint32_t> address = parse_address(text);
  if (!address || text.empty() || text.front() != '/' || text.size() > 4 || text.size() < 2) return std::nullopt;
  uint32_t bits = 0;
  for (const char c : text.substr(1)) {
    if (c < '0' || c > '9') return std::nullopt;
    bits = bits * 10 + static_cast<uint32_t>(c - '0');
  }
  if (bits < 1 || bits > 32) return std::nullopt;
  const uint32_t mask = bits == 32 ? ~uint32_t{0} : ~(~uint32_t{0} >> bits);
  const uint32_t network = *address & mask;
  const uint32_t broadcast = network | ~mask;
  if (broadcast - network <= 1) return Subnet{};
  return Subnet{network + 1, broadcast - 1};
}

class PreparedSubnets final : public Prepared {
 public:
  std::vector<std::optional<Subnet>> subnets;  // by argument; nothing: to be parsed at the call
};

std::unique_ptr<const Prepared> prepare(std::span<const Value* const> arguments) {
  auto prepared = std::make_unique<PreparedSubnets>();
  for (const Value* argument : arguments) {
    prepared->subnets.push_back(argument != nullptr && argument->is_string() ? parse_subnet(argument->text())
                                                                             : std::nullopt);
  }
  return prepared;
}

Value in_subnet(Call& call) {
  if (!has_arguments(call, 2) || !is_string_or_null(call, 0)) return {};
  if (call[0].is_null()) return Value::boolean(false);
  std::string_view rest = call[0].text();
  const std::optional<uint32_t> address = parse_address(rest);
  const auto* prepared = static_cast<const PreparedSubnets*>(call.prepared);
  for (size_t i = 1; i < call.size(); ++i) {
    if (call[i].is_null()) continue;
    if (!call[i].is_string()) return call.wrong_kind(i, "string");
    std::optional<Subnet> subnet = prepared == nullptr ? std::nullopt : prepared->subnets[i];
    if (!subnet) subnet = parse_subnet(call[i].text());
    if (!subnet) return call.fail(fmt::format("'{}' is no IPv4 subnet such as 10.0.0.0/8", call[i].text()));
    if (!address || !rest.empty()) return call.fail(fmt::format("'{}' is no IPv4 address", call[0].text()));
    if (*address >= subnet->low && *address <= subnet->high) return Value::boolean(true);
  }
  return Value::boolean(false);
}

}  // namespace

void register_subnet_functions(FunctionRegistry& registry) {
  registry.add({.name = "IN_SUBNET",
                .category = "network",
                .description = "Whether an IPv4 address is in one of the subnets. Network and broadcast addresses are "
                               "not; IPv6 is an error.",
                .parameters = {{"ip", "string", "the address; null gives false"},
                               {"cidr", "string", "a subnet; null is left out", false, true}},
                .returns = "bool",
                .examples = {{"IN_SUBNET('192.168.1.7', '10.0.0.0/8', '192.168.0.0/16')", "true"},
                             {"IN_SUBNET('10.0.0.0', '10.0.0.0/8')", "false"},
                             {"IN_SUBNET('x', '10.0.0.0/8')", "error"}},
                .run = in_subnet,
                .prepare = prepare});
}

}  // namespace modelyard::stellar
