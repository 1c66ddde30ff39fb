// SPDX-License-Identifier: Apache-2.0
#pragma once

// Every type that can be read: scalars, JSON, arrays.
#include <tradecore/pg/codec/field_traits_array.hpp>
#include <tradecore/pg/codec/field_traits_basic.hpp>
#include <tradecore/pg/codec/field_traits_json.hpp>
