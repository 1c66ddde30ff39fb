// SPDX-License-Identifier: Apache-2.0
#pragma once

// Every type that can be read: scalars, JSON, arrays, enums, structs, tuples.
#include <tradecore/pg/codec/field_traits_array.hpp>
#include <tradecore/pg/codec/field_traits_basic.hpp>
#include <tradecore/pg/codec/field_traits_chrono.hpp>
#include <tradecore/pg/codec/field_traits_json.hpp>
#include <tradecore/pg/codec/field_traits_user.hpp>
