// SPDX-License-Identifier: Apache-2.0
// What values tell of the types they are made of, with any bytes: looked at before anybody reads them.
#include "harness/bytes.hpp"
#include "harness/values.hpp"
#include "pg/engine/type_lookup.hpp"
#include "pg/support/wire_values.hpp"

#include <tradecore/pg/type_names.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace tradecore;
    fuzz::byte_source input(data, size);
    const auto types = fuzz::all_types();
    pg::row_description columns(1);
    columns[0] = {.name = "value", .type = input.u16(), .known = fuzz::user_types()};
    if (input.flag()) // one of those that have parts
        columns[0].type = fuzz::user_oids::trade + columns[0].type % 2;
    else if (input.flag())
        columns[0].type = types[columns[0].type % types.size()];
    (void)pg::engine::tell_types(columns);
    (void)pg::engine::contradicts(pg::test::make_result(std::move(columns), {{std::string(input.rest())}}));
    return 0;
}
