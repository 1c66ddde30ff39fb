// SPDX-License-Identifier: Apache-2.0
#include "db/support/fake_server.hpp"

#include <tradecore/pg/byte_order.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tradecore::test {

std::exception_ptr server_error_of(std::string_view state)
{
    pg::diagnostics said;
    said.severity = "ERROR";
    said.code = pg::sqlstate::parse(state).value();
    said.message = "refused as asked";
    return pg::make_server_error(std::move(said), "");
}

connector fake_server::make_connector()
{
    return [this] { return connect(); };
}

asio::awaitable<std::unique_ptr<physical_connection>> fake_server::connect()
{
    struct running {
        fake_server& server;
        explicit running(fake_server& of) : server(of)
        {
            ++server.connects_begun;
            server.most_connects_running = std::max(server.most_connects_running, ++server.connects_running);
        }
        running(running&&) = delete;
        running& operator=(running&&) = delete;
        ~running() { --server.connects_running; }
    };
    const running count(*this);
    const bool let_in = co_await connects.wait();
    if (!let_in)
        throw boost::system::system_error(asio::error::operation_aborted);
    if (!connect_errors.empty()) {
        const auto error = connect_errors.front();
        connect_errors.erase(connect_errors.begin());
        if (error)
            std::rethrow_exception(error);
    }
    else if (refusal) {
        std::rethrow_exception(refusal);
    }
    co_return std::make_unique<connection>(*this, ++last_id_);
}

void fake_server::close_connections()
{
    while (!open_connections.empty())
        open_connections.front()->close();
}

std::string fake_server::log() const
{
    std::string all;
    for (const auto& line : log_)
        all += (all.empty() ? "" : " | ") + line;
    return all;
}

fake_server::connection::connection(fake_server& server, int id) : state_(std::make_shared<state>())
{
    state_->server = &server;
    state_->self = this;
    state_->id = id;
    state_->incarnation = server.incarnation;
    server.open_connections.push_back(this);
}

fake_server::connection::~connection()
{
    close(*state_);
    state_->self = nullptr;
}

void fake_server::connection::close() noexcept
{
    close(*state_);
}

void fake_server::connection::close(state& of) noexcept
{
    if (!std::exchange(of.open, false))
        return;
    std::erase(of.server->open_connections, of.self);
    end_transaction(of, "aborted");
    // What is in flight finds the connection closed when it goes on.
    for (auto* held : std::exchange(of.waits_at, {}))
        held->open();
}

void fake_server::connection::require_open(const state& of)
{
    if (!of.open)
        throw pg::connection_error(pg::client_errc::connection_closed, "the fake connection is closed");
}

void fake_server::connection::end_transaction(state& of, const char* fate)
{
    if (of.transaction_id != 0)
        of.server->fates[std::exchange(of.transaction_id, 0)] = fate;
}

namespace {

void append(std::string& row, const std::string& value)
{
    const auto start = row.size();
    row.append(4, '\0');
    pg::detail::store<std::int32_t>(row.data() + start, value.empty() ? -1 : static_cast<std::int32_t>(value.size()));
    row += value;
}

/// @returns one row of texts, empty for NULL.
pg::result one_row(const std::vector<std::string>& values)
{
    std::string row(2, '\0');
    pg::detail::store<std::int16_t>(row.data(), static_cast<std::int16_t>(values.size()));
    for (const auto& each : values)
        append(row, each);
    pg::result answer;
    answer.describe(std::make_shared<const pg::row_description>(
        values.size(), pg::column{.name = "answer", .type = 25, .format = pg::wire_format::text}));
    if (!answer.append_row(row))
        throw std::logic_error("the answer to a question is malformed");
    answer.finish("SELECT 1");
    return answer;
}

} // namespace

// The questions for ids and fates, with their answers.
std::optional<pg::result> fake_server::connection::answer_question(state& of, const std::string& command)
{
    if (of.server->answer && of.self != nullptr) {
        if (const auto text = of.server->answer(*of.self, command))
            return one_row({*text});
    }
    if (command == "SELECT pg_catalog.pg_current_xact_id_if_assigned()")
        return one_row({of.transaction_id != 0 ? std::to_string(of.transaction_id) : std::string()});
    constexpr std::string_view fate_question = "pg_xact_status('";
    const auto at = command.find(fate_question);
    if (at == std::string::npos)
        return std::nullopt;
    // As the server is now, which behind a pooler need not be the one that the connection began with.
    const auto& now = of.server->incarnation;
    if (command.find("incarnation = '" + now + "'") == std::string::npos)
        return one_row({now, ""});
    const auto id = std::stoull(command.substr(at + fate_question.size()));
    return one_row({now, of.server->tell_fate ? of.server->tell_fate(id) : of.server->fates[id]});
}

asio::awaitable<void> fake_server::connection::wait_at(std::shared_ptr<state> on, std::string name)
{
    auto& held = on->server->held(name);
    on->waits_at.push_back(&held);
    const bool went_on = co_await held.wait();
    std::erase(on->waits_at, &held);
    if (!went_on) {
        close(*on);
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    require_open(*on);
}

asio::awaitable<std::string> fake_server::connection::carry_out(std::shared_ptr<state> on, std::string command)
{
    auto tag = co_await do_carry_out(on, command);
    if (on->server->on_carried_out && on->self != nullptr) {
        on->server->on_carried_out(*on->self, command);
        require_open(*on);
    }
    co_return tag;
}

asio::awaitable<std::string> fake_server::connection::do_carry_out(std::shared_ptr<state> on, std::string command)
{
    using pg::transaction_status;
    require_open(*on);
    on->server->log_.push_back(std::to_string(on->id) + ":" + command);
    if (on->server->on_command && on->self != nullptr)
        on->server->on_command(*on->self, command);
    if (!on->hold.empty())
        co_await wait_at(on, std::exchange(on->hold, {}));
    on->settles = false;
    require_open(*on);

    const auto word = command.substr(0, command.find(' '));
    const auto rest = command.size() > word.size() ? command.substr(word.size() + 1) : std::string();
    const bool failed = on->status == transaction_status::failed;
    const auto refuse = [&on](std::string_view state) {
        if (on->status == transaction_status::in_transaction)
            on->status = transaction_status::failed;
        std::rethrow_exception(server_error_of(state));
    };
    const auto find_savepoint = [&on](const std::string& name) { return std::ranges::find(on->savepoints, name); };

    if (word == "COMMIT" || command == "ROLLBACK") {
        end_transaction(*on, word == "COMMIT" && !failed ? "committed" : "aborted");
        on->status = transaction_status::idle;
        on->savepoints.clear();
        co_return failed ? "ROLLBACK" : word;
    }
    if (command.starts_with("ROLLBACK TO SAVEPOINT ")) {
        const auto at = find_savepoint(command.substr(22));
        if (at == on->savepoints.end())
            refuse("3B001");
        on->savepoints.erase(at + 1, on->savepoints.end());
        on->status = transaction_status::in_transaction;
        co_return "ROLLBACK";
    }
    if (command.empty())
        co_return "";
    if (failed)
        refuse("25P02");
    if (word == "BEGIN") {
        if (rest == "BADLY")
            refuse("0A000");
        on->status = transaction_status::in_transaction;
    }
    else if (word == "SET" && on->status == transaction_status::idle) {
        on->altered = true;
    }
    else if (word == "SAVEPOINT") {
        on->savepoints.push_back(rest);
    }
    else if (command.starts_with("RELEASE SAVEPOINT ")) {
        const auto at = find_savepoint(command.substr(18));
        if (at == on->savepoints.end())
            refuse("3B001");
        on->savepoints.erase(at, on->savepoints.end());
    }
    else if (word == "WRITE") {
        if (on->transaction_id == 0) {
            on->transaction_id = on->server->next_id++;
            on->server->fates[on->transaction_id] = "in progress";
        }
    }
    else if (word == "FAIL") {
        refuse(rest);
    }
    else if (word == "DIE") {
        close(*on);
        require_open(*on);
    }
    else if (word == "HOLD") {
        co_await wait_at(on, rest);
    }
    co_return word;
}

namespace {

struct counted {
    std::size_t& count;
    explicit counted(std::size_t& of) : count(++of) {}
    counted(counted&&) = delete;
    counted& operator=(counted&&) = delete;
    ~counted() { --count; }
};

// A round trip: a turn of the loop in which a cancelled statement takes its connection with it.
asio::awaitable<void> round_trip(std::function<void()> on_cancel)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, asio::steady_timer::duration::zero());
    const auto [failed] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (failed) {
        on_cancel();
        throw boost::system::system_error(asio::error::operation_aborted);
    }
}

} // namespace

asio::awaitable<pg::result> fake_server::connection::run(pg::statement what)
{
    return run_on(state_, std::move(what));
}

asio::awaitable<pg::result> fake_server::connection::run_on(std::shared_ptr<state> on, pg::statement what)
{
    require_open(*on);
    const counted running(on->in_flight);
    co_await round_trip([on] { close(*on); });
    on->server->limits[std::string(what.sql.text)] = what.options.timeout;
    const bool asks = on->asks && on->known_id.value_or(0) == 0;
    if (asks)
        on->known_id.reset();
    for (const auto& command : what.before)
        co_await carry_out(on, command);
    pg::result answer;
    const auto tag = co_await carry_out(on, std::string(what.sql.text));
    if (auto asked = answer_question(*on, std::string(what.sql.text)))
        answer = std::move(*asked);
    else
        answer.finish(tag);
    if (asks) {
        on->server->log_.push_back(std::to_string(on->id) + ":id?");
        on->known_id = on->transaction_id;
    }
    co_return answer;
}

asio::awaitable<std::vector<pg::result>> fake_server::connection::run_script(sql_text text, pg::call_options options)
{
    return run_script_on(state_, std::move(text), options);
}

asio::awaitable<std::vector<pg::result>>
fake_server::connection::run_script_on(std::shared_ptr<state> on, sql_text text, pg::call_options options)
{
    require_open(*on);
    on->server->limits[std::string(text.text)] = options.timeout;
    const counted running(on->in_flight);
    co_await round_trip([on] { close(*on); });
    std::vector<pg::result> answers;
    std::string_view rest = text.text;
    if (rest.empty())
        co_await carry_out(on, {});
    while (!rest.empty()) {
        const auto end = std::min(rest.find("; "), rest.size());
        std::string command(rest.substr(0, end));
        if (command.ends_with('\n'))
            command.pop_back();
        const auto tag = co_await carry_out(on, command);
        if (auto asked = answer_question(*on, command))
            answers.push_back(std::move(*asked));
        else
            answers.emplace_back().finish(tag);
        rest.remove_prefix(std::min(end + 2, rest.size()));
    }
    co_return answers;
}

} // namespace tradecore::test
