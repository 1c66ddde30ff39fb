// SPDX-License-Identifier: Apache-2.0
#include "chaos/plan.hpp"

#include "domain/rng.hpp"

#include <algorithm>
#include <array>

namespace tradecore::app::chaos {

namespace {

using std::chrono::milliseconds;

constexpr std::array every_act{
    act::end_session,
    act::end_sessions,
    act::restart_fast,
    act::restart_immediate,
    act::lose_commit,
    act::lose_commit_answer,
    act::lose_append_answer,
    act::cut_links,
    act::delay,
    act::silence,
    act::refuse};

constexpr std::uint32_t orders_for_a_step = 25;
constexpr std::uint32_t most_steps = 200;
constexpr std::int64_t longest_pause = 60;

/// What: how long an act lasts; what cannot wait long without being noticed, in milliseconds.
struct span {
    std::int64_t least;
    std::int64_t most;
};

span span_of(act what)
{
    switch (what) {
    case act::lose_commit:
    case act::lose_commit_answer:
    case act::lose_append_answer:
        return {2'000, 2'000};
    case act::delay:
    case act::silence:
    case act::refuse:
        return {200, 1'200};
    default:
        return {0, 0};
    }
}

void shuffle(std::array<act, every_act.size()>& acts, domain::rng& random)
{
    for (std::size_t left = acts.size(); left > 1; --left)
        std::swap(
            acts[left - 1], acts[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(left) - 1))]);
}

} // namespace

std::string_view to_string(act what) noexcept
{
    switch (what) {
    case act::end_session:
        return "sessions ended alone";
    case act::end_sessions:
        return "sessions ended together";
    case act::restart_fast:
        return "fast restarts";
    case act::restart_immediate:
        return "immediate restarts";
    case act::lose_commit:
        return "COMMITs that did not arrive";
    case act::lose_commit_answer:
        return "COMMITs whose answer was lost";
    case act::lose_append_answer:
        return "appends whose answer was lost";
    case act::cut_links:
        return "connections cut";
    case act::delay:
        return "delays";
    case act::silence:
        return "silences";
    case act::refuse:
        return "refusals";
    }
    return "?";
}

std::vector<step> plan(std::uint64_t seed, std::uint32_t orders)
{
    constexpr std::uint64_t stream = 0xC4A05; // nobody else's numbers
    domain::rng random(seed, stream);
    const auto count = std::clamp(orders / orders_for_a_step, static_cast<std::uint32_t>(every_act.size()), most_steps);
    std::vector<step> made;
    auto acts = every_act;
    for (std::uint32_t index = 0; index < count; ++index) {
        if (index % acts.size() == 0)
            shuffle(acts, random);
        const auto what = acts[index % acts.size()];
        const auto [least, most] = span_of(what);
        made.push_back(
            {.what = what,
             .where = random.chance(50) ? database_name::main : database_name::vb,
             .after_orders = static_cast<std::uint32_t>(std::uint64_t{orders} * index / count),
             .pause = milliseconds(random.between(0, longest_pause)),
             .lasts = milliseconds(random.between(least, most)),
             .draw = random.next()});
    }
    return made;
}

} // namespace tradecore::app::chaos
