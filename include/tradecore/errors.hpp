// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/error.hpp>

/// The exceptions under their short names: `tradecore::unique_violation`, `tradecore::server_error`, …
namespace tradecore {

using namespace pg::typed_errors;

using pg::argument_error;
using pg::cardinality_error;
using pg::condition;
using pg::condition_class;
using pg::connection_error;
using pg::disposition;
using pg::protocol_error;
using pg::server_error;
using pg::timeout_error;
using pg::type_error;

} // namespace tradecore
