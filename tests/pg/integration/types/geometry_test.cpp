// SPDX-License-Identifier: Apache-2.0
#include "pg/integration/types/round_trip.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace tradecore::pg::test {
namespace {

namespace asio = boost::asio;

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

std::vector<point> edge_points()
{
    using limits = std::numeric_limits<double>;
    return {
        {0, 0},
        {-0.0, 1},
        {limits::max(), limits::lowest()},
        {limits::min(), limits::denorm_min()},
        {infinite, -infinite},
        {not_a_number, 1},
        {0.1, 1e-5},
        {123456789012345, 1e15},
        {1e-4, 99999.5}};
}

// A NaN has many bit patterns; the server's text has one, so that one is sent.
double plain(double value)
{
    return std::isnan(value) ? not_a_number : value;
}

rc::Gen<point> any_point()
{
    return rc::gen::map(rc::gen::pair(any_double(), any_double()), [](const auto& both) {
        return point{plain(both.first), plain(both.second)};
    });
}

rc::Gen<point> finite_point()
{
    return rc::gen::map(any_point(), [](const point& from) {
        return point{std::isfinite(from.x) ? from.x : 1.5, std::isfinite(from.y) ? from.y : -2.5};
    });
}

rc::Gen<std::vector<point>> any_points()
{
    return rc::gen::map(
        rc::gen::pair(any_point(), rc::gen::resize(8, rc::gen::container<std::vector<point>>(any_point()))),
        [](auto parts) {
            parts.second.push_back(parts.first);
            return parts.second;
        });
}

TEST(geometry, makes_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await expect_round_trip(*db, "point", samples(edge_points(), any_point()));
        co_await expect_round_trip(
            *db, "line", samples<line>({{1, 2, 3}, {-1, 0, 0.5}}, rc::gen::map(finite_point(), [](const point& at) {
                                           return line{at.x, std::fabs(at.x) < 0.001 ? 1 : at.y, at.y};
                                       })));
        co_await expect_round_trip(
            *db, "lseg",
            samples<line_segment>(
                {{{1, 2}, {3, 4}}}, rc::gen::map(rc::gen::pair(any_point(), any_point()), [](const auto& ends) {
                    return line_segment{ends.first, ends.second};
                })));
        co_await expect_round_trip(
            *db, "circle", samples<circle>({{{1, 2}, 3}, {{0, 0}, 0}}, rc::gen::map(any_point(), [](const point& at) {
                                               return circle{at, std::isnan(at.x) ? 1 : std::fabs(at.x)};
                                           })));
    });
}

TEST(geometry, of_many_points_makes_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await expect_round_trip(
            *db, "path",
            samples<path>(
                {{edge_points(), true}, {edge_points(), false}},
                rc::gen::map(rc::gen::pair(any_points(), rc::gen::arbitrary<bool>()), [](auto parts) {
                    return path{std::move(parts.first), parts.second};
                })));
        co_await expect_round_trip(
            *db, "polygon", samples<polygon>({{edge_points()}}, rc::gen::map(any_points(), [](auto points) {
                                                 return polygon{std::move(points)};
                                             })));
    });
}

TEST(geometry, of_boxes_makes_the_round_trip_with_the_corners_sorted)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto any_box = rc::gen::map(rc::gen::pair(finite_point(), finite_point()), [](const auto& corners) {
            const auto& [one, other] = corners;
            return box{
                {std::fmax(one.x, other.x), std::fmax(one.y, other.y)},
                {std::fmin(one.x, other.x), std::fmin(one.y, other.y)}};
        });
        co_await expect_round_trip(*db, "box", samples<box>({{{3, 4}, {1, 2}}, {{0, 0}, {0, 0}}}, any_box));
        EXPECT_EQ((co_await db->fetchval<box>("SELECT $1::box", box{{1, 4}, {3, 2}})), (box{{3, 4}, {1, 2}}));
    });
}

} // namespace
} // namespace tradecore::pg::test
