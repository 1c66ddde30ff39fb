// SPDX-License-Identifier: Apache-2.0
#include "../support/task.hpp"
#include "pg/engine/gate.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace tradecore::pg::engine;
using tradecore::test::task;
namespace asio = boost::asio;

/// People who want to get through a gate, and the order in which they did.
struct crowd {
    asio::io_context context{1};
    gate entrance;
    std::string order;
    std::vector<gate::place_ptr> places;

    asio::awaitable<void> person(char name, gate::wish wish)
    {
        const gate::place_ptr place(new gate::place(wish, exchange::no_deadline));
        places.push_back(place);
        do {
            entrance.join(place);
            co_await asio::async_initiate<const asio::deferred_t&, void(std::exception_ptr)>(
                [](auto handler, gate::place_ptr mine) { mine->suspend(std::move(handler)); }, asio::deferred, place);
        } while (!entrance.arrived(wish));
        order += name;
    }
    task<void> come(char name, gate::wish wish)
    {
        task<void> started(context.get_executor(), person(name, wish));
        run();
        return started;
    }
    void run()
    {
        context.restart();
        context.poll();
    }
};

TEST(gate, lets_everybody_pass_while_it_is_free)
{
    gate entrance;
    EXPECT_TRUE(entrance.is_free());
    EXPECT_TRUE(entrance.try_hold());
    EXPECT_FALSE(entrance.is_free());
    EXPECT_FALSE(entrance.try_hold());
    entrance.release();
    EXPECT_TRUE(entrance.is_free());
}

TEST(gate, serves_who_came_first)
{
    crowd people;
    ASSERT_TRUE(people.entrance.try_hold());
    const auto a = people.come('a', gate::wish::pass);
    const auto b = people.come('b', gate::wish::pass);
    const auto c = people.come('c', gate::wish::hold);
    const auto d = people.come('d', gate::wish::pass);
    EXPECT_EQ(people.order, "");
    people.entrance.release();
    EXPECT_FALSE(people.entrance.is_free()); // a and b are let in, and nobody overtakes them
    people.run();
    EXPECT_EQ(people.order, "abc");
    people.entrance.release();
    people.run();
    EXPECT_EQ(people.order, "abcd");
    EXPECT_TRUE(people.entrance.is_free());
}

TEST(gate, goes_on_with_the_next_when_one_gives_up)
{
    crowd people;
    ASSERT_TRUE(people.entrance.try_hold());
    const auto a = people.come('a', gate::wish::hold);
    const auto b = people.come('b', gate::wish::pass);
    people.entrance.dismiss(*people.places[0], std::make_exception_ptr(std::runtime_error("enough")));
    people.entrance.release();
    people.run();
    EXPECT_EQ(people.order, "b");
    EXPECT_TRUE(a.has_ended());
    EXPECT_TRUE(people.entrance.is_free());
}

TEST(gate, lets_nobody_in_while_it_is_barred)
{
    crowd people;
    people.entrance.bar();
    EXPECT_FALSE(people.entrance.is_free());
    const auto a = people.come('a', gate::wish::pass);
    EXPECT_EQ(people.order, "");
    people.entrance.unbar();
    people.run();
    EXPECT_EQ(people.order, "a");
}

TEST(gate, keeps_the_order_of_those_who_were_let_in_just_before_it_was_barred)
{
    crowd people;
    ASSERT_TRUE(people.entrance.try_hold());
    const auto a = people.come('a', gate::wish::pass);
    const auto b = people.come('b', gate::wish::pass);
    const auto c = people.come('c', gate::wish::hold);
    const auto d = people.come('d', gate::wish::pass);
    people.entrance.release(); // lets a and b in
    people.entrance.bar();     // before they have run
    people.run();
    EXPECT_EQ(people.order, "");
    people.entrance.unbar();
    people.run();
    EXPECT_EQ(people.order, "abc");
    people.entrance.release();
    people.run();
    EXPECT_EQ(people.order, "abcd");
    EXPECT_TRUE(people.entrance.is_free());
}

TEST(gate, lets_its_holder_go_on_before_everybody_else_when_it_is_not_barred_any_more)
{
    crowd people;
    ASSERT_TRUE(people.entrance.try_hold());
    const auto a = people.come('a', gate::wish::pass);
    people.entrance.bar();
    const auto holder = people.come('h', gate::wish::stay);
    EXPECT_EQ(people.order, "");
    people.entrance.unbar();
    people.run();
    EXPECT_EQ(people.order, "h");
    people.entrance.release();
    people.run();
    EXPECT_EQ(people.order, "ha");
    EXPECT_TRUE(people.entrance.is_free());
}

TEST(gate, tells_one_who_was_let_in_already_that_it_was_sent_away)
{
    crowd people;
    ASSERT_TRUE(people.entrance.try_hold());
    const auto a = people.come('a', gate::wish::hold);
    people.entrance.release();
    EXPECT_FALSE(people.places[0]->was_dismissed_late());
    people.entrance.dismiss(*people.places[0], std::make_exception_ptr(std::runtime_error("enough")));
    EXPECT_TRUE(people.places[0]->was_dismissed_late());
}

} // namespace
