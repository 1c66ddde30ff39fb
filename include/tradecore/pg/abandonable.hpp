// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/execution_context.hpp>

namespace tradecore::pg {

/// Something that holds suspended coroutines outside of Asio's own queues: a connection's waiting
/// statements, a pool's waiting callers.
///
/// An execution context that is destroyed destroys the frames in its own queues. Frames held elsewhere
/// would live on, hold what holds them, and leak; so their holder registers here and is told.
///
/// Thread safety: registering and unregistering are safe; `abandon` runs on the thread that destroys
/// the context, when nothing else may use it any more.
class abandonable {
public:
    explicit abandonable(boost::asio::execution_context& context);
    abandonable(const abandonable&) = delete;
    abandonable& operator=(const abandonable&) = delete;
    abandonable(abandonable&&) = delete;
    abandonable& operator=(abandonable&&) = delete;

    /// Destroys every handler that is held, without invoking it. Frames destroyed by this may destroy
    /// this object: do nothing after the last of them.
    virtual void abandon() noexcept = 0;

protected:
    ~abandonable();

private:
    friend class abandon_service;
    abandonable* previous_ = nullptr;
    abandonable* next_ = nullptr;
    class abandon_service* service_;
};

} // namespace tradecore::pg
