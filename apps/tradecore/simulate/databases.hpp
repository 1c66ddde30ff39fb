// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chaos/disturber.hpp"
#include "simulate/locks.hpp"
#include "simulate/options.hpp"

#include <tradecore/db/configuration.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/embedded/server.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tradecore::app::simulate {

/// What: the two databases a simulation runs in: on the servers the environment names, else on an embedded one, where
///   they are made. A database remembers which run it is of, so that a run that was cut short goes on where it was, and
///   two different runs are never mixed.
///
/// The sizes of the pools are those of all processes together: with workers, each of them and the process that started
/// them have an equal part. They are what the options say, else what the configuration says, as far as the environment
/// names one of a pool's sizes, else the simulation's own. What pools do beside is what the configuration says.
/// Thread safety: none.
class databases {
public:
    /// Errors: configuration_error naming the variable.
    databases(const options& wanted, const environment& from);
    ~databases();
    databases(const databases&) = delete;
    databases& operator=(const databases&) = delete;
    databases(databases&&) = delete;
    databases& operator=(databases&&) = delete;

    /// What: starts the embedded server, if one is used; blocks. Under chaos there are more threads from then on.
    /// Errors: embedded::error.
    void start_server();
    /// Returns: who disturbs that server; null when nobody does. After `start_server`.
    [[nodiscard]] chaos::disturber* disturber() noexcept { return disturber_.get(); }

    /// What: makes what is missing, opens both databases, and prepares their schemas.
    /// Params: `run` is what makes the run what it is: the same parameters are the same run.
    /// Returns: whether an earlier run of the same parameters goes on.
    /// Errors: std::runtime_error when another program uses them, when they hold another run that was to be kept, or
    ///   something that is no run at all; what the databases throw.
    [[nodiscard]] boost::asio::awaitable<bool> open(boost::json::object run);

    /// What: runs `work`, and keeps other programs out meanwhile, also when the sessions that do so are lost.
    /// Errors: those of `work`; std::runtime_error when another program has got in; service::out_of_patience.
    [[nodiscard]] boost::asio::awaitable<void> keep_locked(boost::asio::awaitable<void> work);

    /// What: waits, for a minute at most, until both answer. Errors: service::out_of_patience.
    [[nodiscard]] boost::asio::awaitable<void> settle();

    /// What: closes both; drops what was made in them unless it is to be kept. Errors: what the databases throw.
    [[nodiscard]] boost::asio::awaitable<void> close();

    /// What: for a worker: opens both as somebody else has prepared them, and says in the database that one more
    ///   process works on it, for as long as it does. Errors: what the databases throw.
    [[nodiscard]] boost::asio::awaitable<void> join();
    /// What: closes both, and leaves everything in them.
    [[nodiscard]] boost::asio::awaitable<void> leave();
    /// What: what goes before the environment of workers, so that they find the embedded server; after `start_server`.
    [[nodiscard]] std::map<std::string, std::string> worker_variables() const;

    [[nodiscard]] database& main() { return main_; }
    [[nodiscard]] database& vb() { return vb_; }
    /// What: how often both have repeated something by themselves.
    [[nodiscard]] std::uint64_t repeated() const;
    [[nodiscard]] const database_options& main_options() const { return main_options_; }
    [[nodiscard]] const database_options& vb_options() const { return vb_options_; }

private:
    void read_options(const environment& from);
    void size_pool(pool_options& pool, const environment& from, const std::string& prefix) const;
    void divide_pools();
    [[nodiscard]] std::size_t processes() const { return workers_ == 1 ? 1 : workers_ + 1; }
    [[nodiscard]] std::size_t default_connections() const;
    [[nodiscard]] boost::asio::awaitable<void> open_both();
    [[nodiscard]] boost::asio::awaitable<void> connect();
    [[nodiscard]] boost::asio::awaitable<void> lock();
    [[nodiscard]] boost::asio::awaitable<void> lock_for_worker();
    [[nodiscard]] boost::asio::awaitable<void> stop_keeping_after(boost::asio::awaitable<void> work);
    [[nodiscard]] boost::asio::awaitable<void> require_nothing_foreign();
    [[nodiscard]] boost::asio::awaitable<bool> claim(const boost::json::object& run);
    [[nodiscard]] boost::asio::awaitable<void> apply_schemas();
    [[nodiscard]] boost::asio::awaitable<void> empty();

    bool keep_;
    std::unique_ptr<embedded::server> server_; ///< null: the environment's servers are used
    std::vector<chaos::step> plan_;
    std::unique_ptr<chaos::disturber> disturber_;
    environment from_;
    std::optional<std::size_t> connections_;
    std::size_t workers_;
    // Each holds its database's advisory lock as long as the run lasts.
    std::vector<held_lock> locks_;
    database_options main_options_;
    database_options vb_options_;
    database main_{"main"};
    database vb_{"vb"};
};

} // namespace tradecore::app::simulate
