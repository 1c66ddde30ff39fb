// SPDX-License-Identifier: Apache-2.0
// The scanner for parameters, with any text, and over pieces of it that end anywhere.
#include "harness/bytes.hpp"
#include "harness/require.hpp"

#include <tradecore/pg/sql_scan.hpp>

#include <memory>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace tradecore;
    fuzz::byte_source input(data, size);
    const auto cut = input.u8();
    const auto text = input.rest();
    // Without a byte behind it, so that reading past the end is seen.
    const auto owned = std::make_unique<char[]>(text.size());
    text.copy(owned.get(), text.size());

    const std::string_view whole(owned.get(), text.size());
    const auto found = pg::detail::scan_parameters(whole);
    fuzz::require(found.contains_nul == (whole.find('\0') != std::string_view::npos), "NUL is noticed");
    fuzz::require(found.highest == 0 || whole.find('$') != std::string_view::npos, "no parameter without a dollar");
    // What stands behind the text ends no comment and no literal, so a beginning has no more parameters than the whole.
    const auto beginning = pg::detail::scan_parameters(whole.substr(0, cut));
    fuzz::require(beginning.highest <= found.highest, "a beginning has no parameter that the whole has not");
    return 0;
}
