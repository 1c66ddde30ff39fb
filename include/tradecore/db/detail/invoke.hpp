// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

/// From a callable of any result type to one function type, so that what runs it is compiled once.
namespace tradecore::detail {

using erased_body = std::function<boost::asio::awaitable<void>()>;

template <class T>
struct awaited;
template <class T, class E>
struct awaited<boost::asio::awaitable<T, E>> {
    using type = T;
};
/// What `co_await f()` gives.
template <class F>
using awaited_t = typename awaited<std::invoke_result_t<F&>>::type;

/// Where a body's result waits for its caller.
template <class T>
struct result_slot {
    std::optional<T> value;
    T take() { return std::move(*value); }
};
template <>
struct result_slot<void> {
    void take() noexcept {}
};

template <class T>
boost::asio::awaitable<void> store_result(boost::asio::awaitable<T> work, std::shared_ptr<result_slot<T>> out)
{
    if constexpr (std::is_void_v<T>)
        co_await std::move(work);
    else
        out->value.emplace(co_await std::move(work));
}

// Body and result live in shared state: the frames that use them may be destroyed in any order when an
// io_context ends in mid-flight.
template <class F, class T>
struct body_state : result_slot<T> {
    explicit body_state(F f) : body(std::move(f)) {}
    F body;
};

template <class T, class F>
boost::asio::awaitable<void> invoke_body(std::shared_ptr<body_state<F, T>> state)
{
    if constexpr (std::is_void_v<T>) {
        co_await std::invoke(state->body);
    }
    else {
        state->value.reset();
        state->value.emplace(co_await std::invoke(state->body));
    }
}

template <class T, class F>
erased_body erase(const std::shared_ptr<body_state<F, T>>& state)
{
    return [state] { return invoke_body<T, F>(state); };
}

} // namespace tradecore::detail
