// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>

#include <exception>
#include <string>
#include <utility>

namespace tradecore::test {

/// @returns what the work threw, null for nothing.
template <class T>
boost::asio::awaitable<std::exception_ptr> error_of(boost::asio::awaitable<T> work)
{
    try {
        co_await std::move(work);
    }
    catch (...) {
        co_return std::current_exception();
    }
    co_return nullptr;
}

/// @returns whether it is an `E`.
template <class E>
bool is(const std::exception_ptr& error)
{
    try {
        if (error)
            std::rethrow_exception(error);
    }
    catch (const E&) {
        return true;
    }
    catch (...) {
    }
    return false;
}

/// @returns the message, "nothing" of no error.
inline std::string what_of(const std::exception_ptr& error)
{
    try {
        if (error)
            std::rethrow_exception(error);
    }
    catch (const std::exception& e) {
        return e.what();
    }
    return "nothing";
}

/// @returns whether the work threw an `E`; other errors pass.
template <class E>
boost::asio::awaitable<bool> throws(boost::asio::awaitable<void> work)
{
    try {
        co_await std::move(work);
    }
    catch (const E&) {
        co_return true;
    }
    co_return false;
}

} // namespace tradecore::test
