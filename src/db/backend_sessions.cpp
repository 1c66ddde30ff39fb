// SPDX-License-Identifier: Apache-2.0
#include "db/backend_sessions.hpp"

#include "db/serial_executor.hpp"

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

#include <algorithm>
#include <vector>

namespace tradecore::detail {
namespace asio = boost::asio;

namespace {

/// How long the event loop may take to tell both sides of a deadlock.
constexpr std::chrono::milliseconds loop_latency{10};
/// A text of which more is not worth keeping when its owner is gone.
constexpr std::size_t longest_kept = 16'384;
constexpr std::size_t kept_of_longer = 1'024;

} // namespace

// --- a session -------------------------------------------------------------------------------------

void backend_session::begin(const sql_text& sql, std::string_view name, clock::time_point now) noexcept
{
    latest = 1 - latest;
    run& current = runs[latest];
    current.began = now;
    current.ended = clock::time_point::max();
    try {
        if (sql.owner && sql.text.size() > longest_kept) {
            const auto beginning = std::make_shared<const std::string>(sql.text.substr(0, kept_of_longer));
            current.sql = {*beginning, beginning, sql.where};
        }
        else {
            current.sql = sql;
        }
        current.name = name; // the caller's need not live on; the string keeps its room
    }
    catch (...) { // no memory: better nothing than what ran before
        current.sql = {};
        current.name.clear();
    }
}

const backend_session::run& backend_session::in_the_way(clock::time_point when) const noexcept
{
    const bool next_began_just_now = when - current().began < loop_latency;
    const bool other_ended_just_now = previous().ended <= when && when - previous().ended < loop_latency;
    return next_began_just_now && other_ended_just_now ? previous() : current();
}

// --- all of an event loop --------------------------------------------------------------------------

class backend_sessions::directory {
public:
    void add(const backend_sessions& one) { all_.push_back(&one); }
    void remove(const backend_sessions& one) noexcept { std::erase(all_, &one); }
    [[nodiscard]] const std::vector<const backend_sessions*>& all() const noexcept { return all_; }

private:
    std::vector<const backend_sessions*> all_;
};

class backend_sessions::directory_service final : public asio::execution_context::service {
public:
    using key_type = directory_service;
    static inline asio::execution_context::id id;

    explicit directory_service(asio::execution_context& context) : service(context) {}
    [[nodiscard]] const std::shared_ptr<directory>& all() const noexcept { return all_; }

private:
    void shutdown() override {}
    std::shared_ptr<directory> all_ = std::make_shared<directory>();
};

backend_sessions::backend_sessions(
    const asio::any_io_executor& executor, const std::string& name, const pg::connect_options& server,
    std::size_t usual)
    : name_(name), server_(server), usual_(usual)
{
    // What runs on a strand of its own knows nothing of others: they may be in the middle of something.
    if (!executor || executor.target<serial_executor>() != nullptr)
        return;
    auto& context = asio::query(executor, asio::execution::context);
    all_ = asio::use_service<directory_service>(context).all();
    all_->add(*this);
}

backend_sessions::~backend_sessions()
{
    if (all_)
        all_->remove(*this);
}

session_use backend_sessions::use(std::int32_t pid)
{
    // Twice as many as there can be: most are of connections that are no more.
    if (by_pid_.size() > 2 * usual_ && !by_pid_.contains(pid))
        std::erase_if(by_pid_, [](const auto& one) { return one.second.users == 0; });
    auto& used = by_pid_[pid];
    used.pid = pid;
    return session_use(used);
}

backend_sessions::owned_session backend_sessions::look_up(std::int32_t pid) const
{
    if (const auto found = by_pid_.find(pid); found != by_pid_.end())
        return {&found->second, name_};
    if (!all_)
        return {};
    for (const auto* other : all_->all()) {
        const bool same_server = other->server_.hosts == server_.hosts && other->server_.database == server_.database;
        if (const auto found = other->by_pid_.find(pid); same_server && found != other->by_pid_.end())
            return {&found->second, other->name_};
    }
    return {};
}

} // namespace tradecore::detail
