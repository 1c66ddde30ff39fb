// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/bulk.hpp"
#include "pg/engine/call.hpp"
#include "pg/engine/run_statement.hpp"

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/trace.hpp>

#include <boost/system/system_error.hpp>

#include <exception>
#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;

namespace {

boost::system::error_code code_of(const std::exception_ptr& error) noexcept
{
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::error& e) {
        return e.code();
    }
    catch (const boost::system::system_error& e) {
        return e.code();
    }
    catch (...) {
        return make_error_code(boost::system::errc::state_not_recoverable);
    }
}

/// Tells a tracer when it begins to exist, and when told of the end.
class traced_query {
public:
    traced_query(std::shared_ptr<tracer> to, std::string_view label, std::string_view text)
        : to_(std::move(to)), query_{.label = label, .text = text}
    {
        to_->on_query_start(query_);
    }

    void ended(std::uint64_t rows, const std::exception_ptr& error)
    {
        query_.rows = rows;
        query_.duration = link::clock::now() - since_;
        if (error)
            query_.error_code = code_of(error);
        to_->on_query_end(query_);
    }

private:
    std::shared_ptr<tracer> to_;
    query_trace query_;
    link::clock::time_point since_ = link::clock::now();
};

} // namespace

asio::awaitable<result> run_statement_traced(std::shared_ptr<link> on, statement what)
{
    const auto text = what.sql;
    traced_query query(on->trace, label_of(what.options, what.verb), text.text);
    result answer;
    std::exception_ptr error;
    try {
        answer = co_await run_statement(std::move(on), std::move(what));
    }
    catch (...) {
        error = std::current_exception();
    }
    query.ended(answer.tag().rows_affected(), error);
    if (error)
        std::rethrow_exception(error);
    co_return answer;
}

asio::awaitable<std::vector<result>> run_script_traced(std::shared_ptr<link> on, sql_text text, call_options options)
{
    traced_query query(on->trace, label_of(options, "SCRIPT"), text.text);
    std::vector<result> answers;
    std::exception_ptr error;
    try {
        answers = co_await run_script(std::move(on), text, options);
    }
    catch (...) {
        error = std::current_exception();
    }
    std::uint64_t rows = 0;
    for (const auto& answer : answers)
        rows += answer.tag().rows_affected();
    query.ended(rows, error);
    if (error)
        std::rethrow_exception(error);
    co_return answers;
}

asio::awaitable<batch_answers> run_batch_traced(std::shared_ptr<link> on, batch what)
{
    std::string text;
    for (const auto& entry : what.entries())
        (text += text.empty() ? "" : "; ") += entry.sql.text;
    const std::string label(label_of(what.options, "BATCH"));
    traced_query query(on->trace, label, text);
    batch_answers answers;
    std::exception_ptr error;
    try {
        answers = co_await run_batch(std::move(on), std::move(what));
    }
    catch (...) {
        error = std::current_exception();
    }
    auto said = error;
    for (std::size_t i = 0; !said && i < answers.size(); ++i)
        said = answers.error(i);
    query.ended(0, said);
    if (error)
        std::rethrow_exception(error);
    co_return answers;
}

asio::awaitable<std::uint64_t> run_many_traced(std::shared_ptr<link> on, repeated_statement what)
{
    const auto text = what.sql;
    const std::string label(label_of(what.options, "EXECUTE_MANY"));
    traced_query query(on->trace, label, text.text);
    std::uint64_t affected = 0;
    std::exception_ptr error;
    try {
        affected = co_await run_many(std::move(on), std::move(what));
    }
    catch (...) {
        error = std::current_exception();
    }
    query.ended(affected, error);
    if (error)
        std::rethrow_exception(error);
    co_return affected;
}

} // namespace tradecore::pg::engine
