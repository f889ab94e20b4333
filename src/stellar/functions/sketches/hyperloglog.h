// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "stellar/value.h"

namespace modelyard::stellar {

// HyperLogLog++ (Heule, Nunkesser, Hall 2013): while few values are known their hashes' first sp bits are kept and
// counted linearly, later 2^p registers.
class HyperLogLog final : public OpaqueObject {
 public:
  HyperLogLog(int p, int sp);
  std::string_view kind() const override { return "hllp"; }
  OpaqueObject* copy_into(Arena& to) const override;

  void add(uint64_t hash);
  void merge(const HyperLogLog& other);  // of the same p and sp
  uint64_t cardinality() const;
  int p() const { return p_; }
  int sp() const { return sp_; }

 private:
  void to_registers();
  void add_to_registers(uint64_t hash);

  int p_;
  int sp_;
  std::unordered_set<uint32_t> sparse_;  // first sp bits
  std::vector<uint64_t> hashes_;         // one per entry of sparse_, for the change to registers
  std::vector<uint8_t> registers_;       // empty while sparse
};

}  // namespace modelyard::stellar
