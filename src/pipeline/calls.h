// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "pipeline/record.h"
#include "pipeline/runner.h"
#include "stellar/eval/frame.h"

namespace modelyard::pipeline {

// The model calls that jobs of one worker wait for. Equal calls (model, version, function, arguments) that are open at
// the same time are one, whichever endpoint each had chosen.
class Calls {
 public:
  explicit Calls(size_t in_flight_max) : in_flight_max_(in_flight_max) {}

  // What tells a call from another.
  static std::string key_of(const stellar::CallRequest& request);
  // The job waits from now on for the answer of the call of this key. True: somebody asked the same already.
  bool add(Job& job, const stellar::CallRequest& request, std::string key);
  // Calls that were not given out yet, as many as may be in flight.
  std::vector<ModelCall> take();
  // The jobs that waited for the call, which is closed; none for an unknown id.
  struct Closed {
    std::string key;
    std::vector<Job*> waiting;
  };
  Closed close(uint64_t id);
  size_t in_flight() const { return in_flight_; }

 private:
  struct Open {
    std::string key;
    ModelCall call;  // moved out when it is given out
    bool given = false;
    std::vector<Job*> waiting;
  };

  const size_t in_flight_max_;
  size_t in_flight_ = 0;
  uint64_t last_id_ = 0;
  boost::unordered_flat_map<uint64_t, Open> open_;
  boost::unordered_flat_map<std::string, uint64_t> by_key_;
  std::deque<uint64_t> fresh_;
};

}  // namespace modelyard::pipeline
