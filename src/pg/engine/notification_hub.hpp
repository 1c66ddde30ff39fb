// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/protocol/backend_messages.hpp"

#include <tradecore/pg/listener.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tradecore::pg::engine {

class notification_hub;

/// One listener's queue.
///
/// Thread safety: none.
class feed final : public pg::detail::listener_core, public std::enable_shared_from_this<feed> {
public:
    feed(std::shared_ptr<notification_hub> hub, std::string channel, listen_options options);
    feed(const feed&) = delete;
    feed& operator=(const feed&) = delete;
    feed(feed&&) = delete;
    feed& operator=(feed&&) = delete;
    ~feed() override;

    [[nodiscard]] boost::asio::awaitable<notification> next() override { return wait_for_next(shared_from_this()); }
    [[nodiscard]] std::optional<notification> try_next() override;
    [[nodiscard]] const std::string& channel() const noexcept override { return channel_; }
    [[nodiscard]] std::uint64_t missed() const noexcept override { return missed_; }
    void abandon() noexcept override;

private:
    friend class notification_hub;

    static boost::asio::awaitable<notification> wait_for_next(std::shared_ptr<feed> self);
    void push(const protocol::notification_message& what);
    void end(const std::exception_ptr& why);

    std::shared_ptr<notification_hub> hub_; // null when given up
    std::string channel_;
    std::size_t most_;
    std::deque<notification> queue_;
    std::uint64_t missed_ = 0;
    std::uint64_t missed_now_ = 0; // since the last one that was handed out
    std::exception_ptr ended_;
    std::optional<boost::asio::steady_timer> wake_; // never expires: woken by its cancellation
};

/// The listeners of one connection, by channel.
///
/// Thread safety: none.
class notification_hub final : public std::enable_shared_from_this<notification_hub> {
public:
    /// @param unlisten called when there are channels to be unlistened, and once for all of them until it has said
    ///        `stopped_unlistening`; must not throw.
    notification_hub(boost::asio::any_io_executor executor, std::function<void()> unlisten);

    void deliver(const protocol::notification_message& what);
    /// The connection is over: so are the feeds, once they are empty.
    void end(const std::exception_ptr& why);
    /// The event loop is over: nothing that belongs to it may live on.
    void abandon() noexcept;

    /// The connection is in no transaction: what was undone or could not be done before can be done now.
    void on_idle();

    /// Whether the server has confirmed LISTEN.
    [[nodiscard]] bool is_established(std::string_view channel) const;
    /// LISTEN is sent: from now on the server may listen, whatever becomes of the answer.
    void asked(std::string_view channel);
    void establish(std::string_view channel);

    /// @returns a channel to which the server may listen though nobody here does; nothing when there is none.
    [[nodiscard]] std::optional<std::string> next_unheard();
    /// UNLISTEN is sent.
    void asked_to_stop(std::string_view channel);
    /// It has ended.
    /// @param effective whether the server has stopped: not so in a transaction, which may be undone.
    void stopped(const std::string& channel, bool effective);
    void stopped_unlistening() noexcept { unlistening_ = false; }

private:
    friend class feed;
    struct channel_state {
        std::vector<feed*> feeds;
        bool asked = false; // the last that was sent is LISTEN, or an UNLISTEN without effect
        bool established = false;
    };

    void add(feed& added);
    void remove(feed& gone) noexcept;
    void unlisten();

    boost::asio::any_io_executor executor_;
    std::function<void()> unlisten_;
    std::map<std::string, channel_state, std::less<>> channels_;
    bool has_unheard_ = false; // perhaps
    bool unlistening_ = false;
    std::exception_ptr ended_;
};

} // namespace tradecore::pg::engine
