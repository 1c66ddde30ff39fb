// SPDX-License-Identifier: Apache-2.0
// Service files, with any text: read or refused with one kind of exception that names file and line.
#include "harness/bytes.hpp"
#include "harness/require.hpp"
#include "pg/conninfo/service.hpp"

#include <sstream>
#include <stdexcept>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace tradecore;
    fuzz::byte_source input(data, size);
    std::istringstream file{std::string(input.rest())};
    pg::conninfo::values found;
    try {
        const bool there = pg::conninfo::read_service(file, "services", "shop", found);
        fuzz::require(there || found.empty(), "what is not there says nothing");
    }
    catch (const std::invalid_argument& refused) {
        fuzz::require(
            std::string_view(refused.what()).find("services") != std::string_view::npos, "a refusal names the file");
    }
    return 0;
}
