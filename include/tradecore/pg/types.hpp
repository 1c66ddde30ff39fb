// SPDX-License-Identifier: Apache-2.0
#pragma once

// The values of PostgreSQL's types that C++ has no type of its own for. All of them are readable
// (`field::as`) and arguments (`parameters::encode`), alone and in arrays.
//
//     date                    std::chrono::sys_days, local_days, year_month_day
//     timestamp               std::chrono::local_time<std::chrono::microseconds>
//     timestamptz             tradecore::timestamptz
//     the three, infinite     extended<...>
//     interval                interval; std::chrono durations
//     time, timetz            time_of_day, zoned_time_of_day
//     text, varchar           std::string
//     char(n), bpchar         std::string, with the blanks that the server fills it up with
//     name                    std::string of at most 63 bytes
//     json, jsonb             described structs, boost::json::value

#include <tradecore/pg/numeric.hpp>
#include <tradecore/pg/types/bit_string.hpp>
#include <tradecore/pg/types/date_time.hpp>
#include <tradecore/pg/types/extended.hpp>
#include <tradecore/pg/types/geometry.hpp>
#include <tradecore/pg/types/hstore.hpp>
#include <tradecore/pg/types/identifiers.hpp>
#include <tradecore/pg/types/interval.hpp>
#include <tradecore/pg/types/mac_address.hpp>
#include <tradecore/pg/types/money.hpp>
#include <tradecore/pg/types/multirange.hpp>
#include <tradecore/pg/types/network_address.hpp>
#include <tradecore/pg/types/range.hpp>
#include <tradecore/pg/types/text_search.hpp>
#include <tradecore/pg/types/time_of_day.hpp>
#include <tradecore/pg/types/versioned_text.hpp>
