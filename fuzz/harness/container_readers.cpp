// SPDX-License-Identifier: Apache-2.0
#include "harness/read_back.hpp"

#include <tradecore/pg/types.hpp>
#include <tradecore/pg/types/array.hpp>

namespace tradecore::fuzz {

void add_containers(std::vector<reader>& to)
{
    using tradecore::timestamptz;
    to.insert(
        to.end(), {
                      reader_of<std::vector<std::int32_t>>("ints"),
                      reader_of<std::vector<std::optional<std::int64_t>>>("optional ints"),
                      reader_of<std::vector<std::string>>("strings"),
                      reader_of<std::vector<std::optional<std::string>>>("optional strings"),
                      reader_of<std::vector<std::vector<std::int32_t>>>("rows of ints"),
                      reader_of<std::vector<std::vector<std::vector<std::string>>>>("cubes of strings"),
                      reader_of<std::vector<pg::numeric>>("numerics"),
                      reader_of<std::vector<pg::box>>("boxes"),
                      reader_of<std::vector<boost::json::value>>("jsons"),
                      reader_of<pg::array<std::optional<std::int32_t>>>("array of ints"),
                      reader_of<pg::array<std::optional<std::string>>>("array of strings"),
                      reader_of<pg::array<timestamptz>>("array of instants"),
                      reader_of<pg::range<std::int32_t>>("int4range"),
                      reader_of<pg::range<std::int64_t>>("int8range"),
                      reader_of<pg::range<pg::numeric>>("numrange"),
                      reader_of<pg::range<std::chrono::sys_days>>("daterange"),
                      reader_of<pg::range<std::chrono::local_time<std::chrono::microseconds>>>("tsrange"),
                      reader_of<pg::range<timestamptz>>("tstzrange"),
                      reader_of<pg::range<pg::extended<timestamptz>>>("extended tstzrange"),
                      reader_of<pg::multirange<std::int32_t>>("int4multirange"),
                      reader_of<pg::multirange<pg::numeric>>("nummultirange"),
                      reader_of<pg::multirange<timestamptz>>("tstzmultirange"),
                      reader_of<std::vector<pg::range<std::int32_t>>>("int4ranges"),
                  });
}

} // namespace tradecore::fuzz
