// SPDX-License-Identifier: Apache-2.0
#pragma once

// Every type that can be an argument: scalars, dates and times, JSON, enums, structs, tuples, arrays.
#include <tradecore/pg/codec/parameter_traits_basic.hpp>
#include <tradecore/pg/codec/parameter_traits_chrono.hpp>
#include <tradecore/pg/codec/parameter_traits_user.hpp>
