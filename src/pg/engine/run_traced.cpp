// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/bulk.hpp"
#include "pg/engine/call.hpp"
#include "pg/engine/run_statement.hpp"
#include "pg/engine/traced_query.hpp"

#include <tradecore/pg/trace_comment.hpp>

#include <string>
#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;

asio::awaitable<result> run_statement_traced(std::shared_ptr<link> on, statement what)
{
    traced_query query(on->trace, label_of(what.options, what.verb), what.sql);
    auto answer = co_await watch(query, run_statement(std::move(on), std::move(what)));
    query.ended(answer.tag().rows_affected(), nullptr);
    co_return answer;
}

asio::awaitable<std::vector<result>> run_script_traced(std::shared_ptr<link> on, sql_text text, call_options options)
{
    traced_query query(on->trace, label_of(options, "SCRIPT"), text);
    auto answers = co_await watch(query, run_script(std::move(on), text, options));
    std::uint64_t rows = 0;
    for (const auto& answer : answers)
        rows += answer.tag().rows_affected();
    query.ended(rows, nullptr);
    co_return answers;
}

asio::awaitable<batch_answers> run_batch_traced(std::shared_ptr<link> on, batch what)
{
    std::string text;
    for (const auto& entry : what.entries())
        (text += text.empty() ? "" : "; ") += without_trace_comment(entry.sql.text);
    traced_query query(on->trace, label_of(what.options, "BATCH"), {text, nullptr});
    auto answers = co_await watch(query, run_batch(std::move(on), std::move(what)));
    std::exception_ptr first;
    for (std::size_t i = 0; !first && i < answers.size(); ++i)
        first = answers.error(i);
    query.ended(0, first);
    co_return answers;
}

asio::awaitable<std::uint64_t> run_many_traced(std::shared_ptr<link> on, repeated_statement what)
{
    traced_query query(on->trace, label_of(what.options, "EXECUTE_MANY"), what.sql);
    const auto affected = co_await watch(query, run_many(std::move(on), std::move(what)));
    query.ended(affected, nullptr);
    co_return affected;
}

} // namespace tradecore::pg::engine
