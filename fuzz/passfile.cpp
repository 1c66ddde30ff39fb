// SPDX-License-Identifier: Apache-2.0
// Password files, with any text: a password that is found stands in it, and unknown bytes match no more than they say.
#include "pg/conninfo/passfile.hpp"

#include "harness/bytes.hpp"
#include "harness/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace tradecore;
    fuzz::byte_source input(data, size);
    const pg::host_address host{
        .host = input.flag() ? "db.example" : "/var/run/postgresql", .hostaddr = {}, .port = 5432};
    const auto text = input.rest();
    const auto found = pg::conninfo::find_password(text, host, "shop", "trader");
    if (found) {
        fuzz::require(found->size() <= text.size(), "a password is no longer than the file");
        fuzz::require(found->find('\n') == std::string::npos, "a password ends with its line");
        // A line that fits comes first wherever it stands.
        const auto again = pg::conninfo::find_password("*:*:*:*:first\n" + std::string(text), host, "shop", "trader");
        fuzz::require(again == "first", "the first line that fits counts");
    }
    return 0;
}
