// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/vocabulary.hpp>

#include <boost/json/value.hpp>

#include <cstdint>
#include <string>

namespace tradecore::events {

/// A fact about to be appended to a stream.
struct new_event {
    /// Unique in the whole store.
    uuid id{};
    /// What happened, such as "OrderPlaced".
    std::string type;
    /// Version of the shape of `data` for this type, from 1.
    std::int16_t schema_version = 1;
    /// The fact itself. Decimal numbers travel as text: JSON numbers are not exact.
    boost::json::value data;
    /// Facts about the fact (causation, correlation, event time); null when there are none.
    boost::json::value meta;
};

/// A fact as the store holds it.
struct recorded_event {
    /// Place in the store's one order of all events: unique, rising within a stream, with gaps that are
    /// legal for ever (an append that was rolled back leaves one).
    std::int64_t position = 0;
    std::string stream;
    /// Place in its stream: 1, 2, 3, … without holes.
    std::int64_t version = 0;
    uuid id{};
    std::string type;
    std::int16_t schema_version = 1;
    boost::json::value data;
    boost::json::value meta;
    /// The store's wall clock when the event was appended.
    timestamptz recorded_at{};
};

} // namespace tradecore::events
