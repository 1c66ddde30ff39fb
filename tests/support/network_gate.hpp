// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "faults/network_gate.hpp"

/// The gate, as tests name it.
namespace tradecore::test {

using faults::ending;
using faults::flow;
using faults::network_gate;
using faults::traffic;

} // namespace tradecore::test
