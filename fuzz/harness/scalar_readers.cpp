// SPDX-License-Identifier: Apache-2.0
#include "harness/read_back.hpp"

#include <tradecore/pg/types.hpp>

namespace tradecore::fuzz {

void add_scalars(std::vector<reader>& to)
{
    using namespace std::chrono;
    to.insert(
        to.end(), {
                      reader_of<bool>("bool"),
                      reader_of<std::int16_t>("int16"),
                      reader_of<std::int32_t>("int32"),
                      reader_of<std::int64_t>("int64"),
                      reader_of<std::uint32_t>("uint32"),
                      reader_of<std::uint64_t>("uint64"),
                      reader_of<float>("float"),
                      reader_of<double>("double"),
                      reader_of<std::string_view>("string_view"),
                      reader_of<std::string>("string"),
                      reader_of<std::vector<std::byte>>("bytes"),
                      reader_of<tradecore::uuid>("uuid"),
                      reader_of<tradecore::timestamptz>("timestamptz"),
                      reader_of<pg::extended<tradecore::timestamptz>>("extended timestamptz"),
                      reader_of<pg::numeric>("numeric"),
                      reader_of<sys_days>("sys_days"),
                      reader_of<local_days>("local_days"),
                      reader_of<year_month_day>("year_month_day"),
                      reader_of<pg::extended<sys_days>>("extended sys_days"),
                      reader_of<local_time<microseconds>>("local_time"),
                      reader_of<pg::extended<local_time<microseconds>>>("extended local_time"),
                      reader_of<microseconds>("microseconds"),
                      reader_of<seconds>("seconds"),
                      reader_of<hours>("hours"),
                  });
}

} // namespace tradecore::fuzz
