// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/fixed.hpp"

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tradecore::app::domain {

/// What: why a command was not obeyed.
///   refused: the command itself is wrong (a missing limit, a quantity of zero, an overflow).
///   wrong_state: the aggregate has moved on; an everyday race (a cancel of a filled order).
///   invariant_violation: what can only happen when the program is wrong (a fill of a finished order).
enum class rejection_kind { refused, wrong_state, invariant_violation };

struct rejection {
    rejection_kind kind = rejection_kind::refused;
    std::string reason;
};

/// What: an event was given to an aggregate that never emits it: the stream is not the aggregate's.
class foreign_event : public std::logic_error {
public:
    foreign_event(std::string_view aggregate, std::string_view event)
        : std::logic_error(std::string(event) + " is no event of " + std::string(aggregate))
    {}
};

/// What: the answer to a command: the events it makes, or the rejection.
/// Thread safety: a value.
template <class Events>
class decision {
public:
    decision(Events events) : result_(std::move(events)) {}
    decision(rejection why) : result_(std::move(why)) {}

    bool accepted() const { return result_.index() == 0; }
    explicit operator bool() const { return accepted(); }

    /// Errors: std::bad_variant_access when not accepted.
    const Events& events() const { return std::get<0>(result_); }
    Events& events() { return std::get<0>(result_); }

    /// Errors: std::bad_variant_access when accepted.
    const rejection& why() const { return std::get<1>(result_); }

private:
    std::variant<Events, rejection> result_;
};

inline rejection refuse(std::string reason)
{
    return {rejection_kind::refused, std::move(reason)};
}
inline rejection wrong_state(std::string reason)
{
    return {rejection_kind::wrong_state, std::move(reason)};
}
inline rejection invariant_violation(std::string reason)
{
    return {rejection_kind::invariant_violation, std::move(reason)};
}

/// What: runs `decide` and turns an overflow in its arithmetic into a rejection, so that every command has an answer.
template <class Decide>
auto guarded(Decide decide) -> decltype(decide())
{
    try {
        return decide();
    }
    catch (const amount_error& error) {
        return refuse(error.what());
    }
}

} // namespace tradecore::app::domain
