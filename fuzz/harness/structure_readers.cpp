// SPDX-License-Identifier: Apache-2.0
#include "harness/read_back.hpp"

#include <tradecore/pg/types.hpp>
#include <tradecore/pg/types/array.hpp>

#include <boost/describe.hpp>

#include <tuple>

namespace tradecore::fuzz {

namespace {

enum class mood { sad, ok, happy };
BOOST_DESCRIBE_ENUM(mood, sad, ok, happy)

struct trade {
    std::int32_t id;
    std::optional<std::string> symbol;
    std::optional<pg::numeric> price;
    std::vector<std::optional<std::string>> tags;
    std::optional<mood> feeling;
};
BOOST_DESCRIBE_STRUCT(trade, (), (id, symbol, price, tags, feeling))

struct outer {
    std::int64_t id;
    std::vector<trade> trades;
    std::optional<trade> last;
};
BOOST_DESCRIBE_STRUCT(outer, (), (id, trades, last))

using trade_tuple = std::tuple<
    std::int32_t, std::optional<std::string>, std::optional<pg::numeric>, std::vector<std::optional<std::string>>,
    std::optional<mood>>;

} // namespace

void add_structures(std::vector<reader>& to)
{
    to.insert(
        to.end(),
        {
            reader_of<mood>("mood"),
            reader_of<std::vector<mood>>("moods"),
            reader_of<trade>("trade"),
            reader_of<std::vector<trade>>("trades"),
            reader_of<outer>("outer"),
            reader_of<trade_tuple>("trade tuple"),
            reader_of<std::pair<std::int32_t, std::optional<std::string>>>("pair"),
            reader_of<std::tuple<std::optional<std::int64_t>>>("tuple of one"),
            reader_of<std::tuple<std::tuple<std::int32_t, std::string>, std::vector<std::int32_t>>>("nested tuple"),
            reader_of<pg::range<pg::numeric>>("price range"),
        });
}

} // namespace tradecore::fuzz
