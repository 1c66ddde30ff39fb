// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/result.hpp>
#include <tradecore/pg/row_mapping.hpp>
#include <tradecore/pg/statement.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace tradecore::pg {

/// An entry of a batch did not take effect because another one failed.
class batch_aborted : public error {
public:
    /// @param failed the entry that failed, counted from 0.
    batch_aborted(std::size_t failed, const std::string& message);
    [[nodiscard]] std::size_t failed_entry() const noexcept { return failed_; }

private:
    std::size_t failed_;
};

enum class batch_mode {
    /// All entries are one transaction (unless one runs already): when one fails, all are undone.
    one_transaction,
    /// Each entry is a transaction of its own and does not care for the others. (Inside a transaction that runs already
    /// it is none: when one fails, so does that, and with it the entries behind.)
    each_alone,
};

/// What an entry's rows are turned into.
enum class batch_shape { value, row, rows, tag, untyped };

/// Where the answer of one entry is found; `T` is what `batch_answers::get` returns.
template <class T, batch_shape Shape>
struct batch_handle {
    std::size_t position = 0;
    std::uint64_t batch = 0;
};

/// Statements that go to the server in one round trip.
///
///     pg::batch todo;
///     const auto id = todo.add<std::int64_t>("INSERT INTO orders (symbol) VALUES ($1) RETURNING id", symbol);
///     const auto touched = todo.add_execute("UPDATE books SET orders = orders + 1 WHERE symbol = $1", symbol);
///     auto answers = co_await db.run(std::move(todo));
///     use(answers.get(id), answers.get(touched).rows_affected());
///
/// Arguments are encoded when they are added; nothing added needs to live on. COPY is refused,
/// and so are BEGIN, COMMIT and their like in a batch that is one transaction, with an argument_error.
/// Entries are described to the connection before the first is run: none can use a table that one before it creates.
///
/// Thread safety: none.
class batch {
public:
    explicit batch(batch_mode mode = batch_mode::one_transaction);

    /// Adds a statement that returns one value, as `session::fetchval`.
    template <class T, class... Args>
    auto add(sql<std::type_identity_t<Args>...> text, const Args&... args)
    {
        return push<T, batch_shape::value>("FETCHVAL", text.text(), args...);
    }
    /// Adds a statement that returns at most one row, as `session::fetchrow`.
    template <class T, class... Args>
    auto add_row(sql<std::type_identity_t<Args>...> text, const Args&... args)
    {
        return push<std::optional<T>, batch_shape::row>("FETCHROW", text.text(), args...);
    }
    /// Adds a statement that returns rows, as `session::fetch`.
    template <class T, class... Args>
    auto add_rows(sql<std::type_identity_t<Args>...> text, const Args&... args)
    {
        return push<std::vector<T>, batch_shape::rows>("FETCH", text.text(), args...);
    }
    /// Adds a statement whose rows are wanted untyped; `get` moves them out.
    template <class... Args>
    auto add_fetch(sql<std::type_identity_t<Args>...> text, const Args&... args)
    {
        return push<result, batch_shape::untyped>("FETCH", text.text(), args...);
    }
    /// Adds a statement that is run for its effect, as `session::execute`.
    template <class... Args>
    auto add_execute(sql<std::type_identity_t<Args>...> text, const Args&... args)
    {
        return push<command_tag, batch_shape::tag>("EXECUTE", text.text(), args...);
    }

    /// What holds for the whole batch: its time limit, its name in logs.
    call_options options{};
    /// As of `statement`: run before the first entry.
    std::vector<std::string> before{};

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] batch_mode mode() const noexcept { return mode_; }
    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] const std::vector<statement>& entries() const noexcept { return entries_; }
    /// Puts another text of the same statement into an entry, as one with a comment behind it.
    /// @param which an entry, counted from 0.
    void put_text(std::size_t which, sql_text text) { entries_.at(which).sql = std::move(text); }

private:
    template <class T, batch_shape Shape, class... Args>
    batch_handle<T, Shape> push(std::string_view verb, sql_text text, const Args&... args)
    {
        push_entry({.sql = std::move(text), .arguments = parameters::encode(args...), .options = {}, .verb = verb});
        return {entries_.size() - 1, id_};
    }
    void push_entry(statement added);

    batch_mode mode_;
    std::uint64_t id_;
    std::vector<statement> entries_;
};

/// The answers to a batch's entries.
///
/// Thread safety: none.
class batch_answers {
public:
    /// What became of one entry.
    struct outcome {
        result rows;
        std::exception_ptr error{};
    };

    batch_answers() = default;
    batch_answers(std::uint64_t batch, std::vector<outcome> outcomes) noexcept
        : batch_(batch), outcomes_(std::move(outcomes))
    {}

    /// @param which as the batch's `add…` returned it.
    /// @throws the entry's own error; batch_aborted when it did not take effect because another failed;
    ///         type_error and cardinality_error as the verbs; argument_error for a handle of another batch.
    template <class T, batch_shape Shape>
    [[nodiscard]] T get(batch_handle<T, Shape> which)
    {
        auto& rows = checked(which.position, which.batch);
        if constexpr (Shape == batch_shape::value)
            return map_value<T>(rows);
        else if constexpr (Shape == batch_shape::row)
            return map_optional_row<typename T::value_type>(rows);
        else if constexpr (Shape == batch_shape::rows)
            return map_rows<typename T::value_type>(rows);
        else if constexpr (Shape == batch_shape::tag)
            return rows.tag();
        else
            return std::move(rows);
    }

    [[nodiscard]] std::size_t size() const noexcept { return outcomes_.size(); }
    /// @returns the error of an entry; null when it succeeded.
    [[nodiscard]] const std::exception_ptr& error(std::size_t position) const { return outcomes_.at(position).error; }
    /// @returns the tag of an entry's command, as long as `get` has not moved its rows out; empty when it failed.
    [[nodiscard]] std::string_view tag(std::size_t position) const { return outcomes_.at(position).rows.tag().text(); }
    /// Throws the first error of an entry, if there is one: for batches whose answers nobody looks at.
    void require_success() const;

private:
    [[nodiscard]] result& checked(std::size_t position, std::uint64_t batch);

    std::uint64_t batch_ = 0;
    std::vector<outcome> outcomes_;
};

} // namespace tradecore::pg
