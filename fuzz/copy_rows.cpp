// SPDX-License-Identifier: Apache-2.0
// The data of a binary COPY to the client, with any bytes in any slices: slices make no difference.
#include "harness/bytes.hpp"
#include "harness/require.hpp"
#include "pg/codec/copy_binary.hpp"

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/result.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace tradecore;
using fuzz::require;

struct outcome {
    std::vector<std::optional<std::string>> fields;
    bool refused = false;
    bool operator==(const outcome&) const = default;
};

outcome decode(std::string_view bytes, std::string_view sizes, std::size_t columns)
{
    outcome seen;
    pg::result rows;
    rows.describe(std::make_shared<const pg::row_description>(columns, pg::column{.name = "n", .type = 23}));
    try {
        pg::detail::copy_row_decoder decoder;
        for (std::size_t turn = 0; !bytes.empty(); ++turn) {
            const auto slice = bytes.substr(
                0, sizes.empty() ? bytes.size() : 1U + static_cast<unsigned char>(sizes[turn % sizes.size()]));
            decoder.feed(slice, rows);
            bytes.remove_prefix(slice.size());
        }
        decoder.finish();
    }
    catch (const pg::protocol_error&) {
        seen.refused = true;
    }
    for (const auto row : rows)
        for (std::size_t i = 0; i < row.size(); ++i)
            seen.fields.push_back(row[i].is_null() ? std::nullopt : std::optional<std::string>(row[i].bytes()));
    return seen;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::byte_source input(data, size);
    const auto columns = input.below(4);
    const bool with_header = input.flag();
    const auto sizes = input.some();
    std::string bytes(with_header ? std::string_view("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", 19) : std::string_view());
    bytes += input.rest();
    require(decode(bytes, sizes, columns) == decode(bytes, {}, columns), "slices make no difference");
    return 0;
}
