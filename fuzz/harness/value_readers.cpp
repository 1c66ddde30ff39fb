// SPDX-License-Identifier: Apache-2.0
#include "harness/read_back.hpp"

#include <tradecore/pg/types.hpp>

namespace tradecore::fuzz {

void add_values(std::vector<reader>& to)
{
    to.insert(
        to.end(), {
                      reader_of<pg::interval>("interval"),
                      reader_of<pg::time_of_day>("time_of_day"),
                      reader_of<pg::zoned_time_of_day>("zoned_time_of_day"),
                      reader_of<pg::money>("money"),
                      reader_of<pg::inet>("inet"),
                      reader_of<pg::cidr>("cidr"),
                      reader_of<boost::asio::ip::address>("address"),
                      reader_of<boost::asio::ip::network_v4>("network_v4"),
                      reader_of<boost::asio::ip::network_v6>("network_v6"),
                      reader_of<pg::mac_address>("mac_address"),
                      reader_of<pg::mac_address8>("mac_address8"),
                      reader_of<pg::bit_string>("bit_string"),
                      reader_of<pg::point>("point"),
                      reader_of<pg::line>("line"),
                      reader_of<pg::line_segment>("line_segment"),
                      reader_of<pg::box>("box"),
                      reader_of<pg::path>("path"),
                      reader_of<pg::polygon>("polygon"),
                      reader_of<pg::circle>("circle"),
                      reader_of<pg::lsn>("lsn"),
                      reader_of<pg::transaction_id>("transaction_id"),
                      reader_of<pg::one_byte_char>("one_byte_char"),
                      reader_of<pg::tsvector>("tsvector"),
                      reader_of<pg::tsquery>("tsquery"),
                      reader_of<pg::jsonpath>("jsonpath"),
                      reader_of<pg::ltree>("ltree"),
                      reader_of<pg::lquery>("lquery"),
                      reader_of<pg::hstore>("hstore"),
                      reader_of<boost::json::value>("json"),
                  });
}

} // namespace tradecore::fuzz
