// SPDX-License-Identifier: Apache-2.0
#pragma once

// One value of a row, and every type that it can be read as.
#include <tradecore/pg/codec/field_core.hpp>
#include <tradecore/pg/codec/field_traits.hpp>
