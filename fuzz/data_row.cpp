// SPDX-License-Identifier: Apache-2.0
// DataRow payloads: what a result keeps of them is inside of what came, and a refused row leaves nothing behind.
#include "harness/bytes.hpp"
#include "harness/require.hpp"

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/result.hpp>

#include <memory>

namespace {

using namespace tradecore;
using fuzz::require;

constexpr std::string_view good_row("\0\1\0\0\0\4good", 10);

void read_all(const pg::result& rows)
{
    for (const auto row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            std::size_t sum = 0;
            for (const char byte : row[i].bytes())
                sum += static_cast<unsigned char>(byte);
            require(!row[i].is_null() || sum == 0, "NULL has no bytes");
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::byte_source input(data, size);
    const auto columns = input.below(9);
    pg::row_description described(columns);
    for (auto& column : described)
        column.name = std::string(1, static_cast<char>('a' + input.below(4)));

    pg::result rows;
    rows.describe(std::make_shared<const pg::row_description>(described));
    std::size_t accepted = 0;
    while (!input.empty()) {
        if (rows.append_row(input.take(input.u16())))
            ++accepted;
        if (columns == 1 && rows.append_row(good_row))
            ++accepted;
    }
    require(rows.size() == accepted, "each accepted row is there, and no other");
    read_all(rows);
    if (columns == 1 && accepted > 0 && !rows[accepted - 1][0].is_null())
        require(rows[accepted - 1][0].bytes() == "good", "a refused row does not move the next one");
    for (const auto* name : {"a", "b", "z"}) {
        try {
            if (accepted > 0)
                (void)rows[0][name].bytes();
        }
        catch (const pg::type_error&) { // there is none, or more than one
        }
    }
    return 0;
}
