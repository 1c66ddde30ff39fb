// SPDX-License-Identifier: Apache-2.0
#include "readmodel/aggregate_projector.hpp"
#include "readmodel/main_decode.hpp"
#include "readmodel/projectors.hpp"
#include "readmodel/row_io.hpp"
#include "readmodel/rows.hpp"

#include <map>

namespace tradecore::app::readmodel {

namespace {

/// What one batch says about users. A user's row is fed from several streams with no order between them, so everything
/// here is a sum, a greatest time, or told once.
class users_fold {
public:
    void operator()(const domain::user_created& e)
    {
        user_row& row = touch(e.user_id, e.occurred_at);
        row.email = e.email;
        row.first_name = e.first_name;
        row.last_name = e.last_name;
        row.status = "active";
        row.created_at = e.occurred_at;
    }

    void operator()(const domain::account_created& e)
    {
        owners_[e.account_id] = e.user_id;
        opened_.push_back({e.account_id, e.user_id});
    }

    void operator()(const domain::order_placed& e)
    {
        user_row& row = touch(e.user_id, e.occurred_at);
        row.total_orders += 1;
        row.last_order_at = row.last_order_at ? std::max(*row.last_order_at, e.occurred_at) : e.occurred_at;
    }

    void operator()(const domain::fill_settled& e)
    {
        if (e.side != domain::side::buy)
            return;
        const auto owner = owners_.find(e.account_id);
        if (owner == owners_.end())
            throw missing_row(user_account_row::table, e.account_id, e.event_type);
        touch(owner->second, e.occurred_at).total_spent += e.notional + e.fee;
    }

    template <class Other>
    void operator()(const Other&)
    {}

    void know(const user_account_row& row) { owners_[row.account_id] = row.user_id; }

    [[nodiscard]] const std::vector<user_account_row>& opened() const { return opened_; }

    // In the order of their ids: two batches that meet at several users lock them in the same order.
    [[nodiscard]] std::vector<user_row> rows() const
    {
        std::vector<user_row> out;
        for (const auto& [id, row] : rows_)
            out.push_back(row);
        return out;
    }

private:
    user_row& touch(const domain::uuid& id, domain::timestamp at)
    {
        const auto [found, is_new] = rows_.try_emplace(id);
        user_row& row = found->second;
        if (is_new) {
            row.id = id;
            row.status = "unknown";
        }
        row.updated_at = is_new ? at : std::max(row.updated_at, at);
        return row;
    }

    std::map<domain::uuid, user_row> rows_;
    std::unordered_map<domain::uuid, domain::uuid, uuid_hash> owners_;
    std::vector<user_account_row> opened_;
};

// Accounts that bought in this batch and were opened before it.
std::vector<domain::uuid> unknown_accounts(const std::vector<domain::event>& happened)
{
    std::unordered_set<domain::uuid, uuid_hash> seen;
    std::vector<domain::uuid> wanted;
    for (const auto& one : happened) {
        if (const auto* opened = std::get_if<domain::account_created>(&one))
            seen.insert(opened->account_id);
        else if (const auto* fill = std::get_if<domain::fill_settled>(&one);
                 fill != nullptr && fill->side == domain::side::buy && seen.insert(fill->account_id).second)
            wanted.push_back(fill->account_id);
    }
    return wanted;
}

boost::asio::awaitable<pg::command_tag> add_to_users(database& read, std::span<const user_row> rows)
{
    static const runtime_sql text{R"(
            INSERT INTO users AS u (id, email, first_name, last_name, status, total_orders, total_spent, last_order_at,
                                    created_at, updated_at)
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                                 $7::numeric[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[])
            ON CONFLICT (id) DO UPDATE SET
                email = coalesce(excluded.email, u.email),
                first_name = coalesce(excluded.first_name, u.first_name),
                last_name = coalesce(excluded.last_name, u.last_name),
                status = CASE WHEN 'active' IN (excluded.status, u.status) THEN 'active' ELSE u.status END,
                total_orders = u.total_orders + excluded.total_orders,
                total_spent = u.total_spent + excluded.total_spent,
                last_order_at = greatest(u.last_order_at, excluded.last_order_at),
                created_at = coalesce(excluded.created_at, u.created_at),
                updated_at = greatest(u.updated_at, excluded.updated_at))"};
    pg::statement what{
        .sql = text.text(),
        .arguments = detail::encode_columns(rows, detail::columns_of<user_row>{}),
        .options = {.name = "add_to_users"},
        .verb = "EXECUTE"};
    return pg::detail::only_tag(read.run(std::move(what)));
}

/// From user streams: UserCreated (SYNC). From account streams: AccountCreated (whose the account is), FillSettled
/// (what was spent). From order streams: OrderPlaced (how many and when).
class users_projector final : public typed_projector {
public:
    users_projector()
        : typed_projector(
              "users", 1,
              {{domain::user_created::event_type, projection::mode::sync},
               {domain::account_created::event_type, projection::mode::async},
               {domain::order_placed::event_type, projection::mode::async},
               {domain::fill_settled::event_type, projection::mode::async}})
    {}

    [[nodiscard]] boost::asio::awaitable<void>
    apply(database& read, std::span<const events::recorded_event> batch) override
    {
        std::vector<domain::event> happened;
        happened.reserve(batch.size());
        for (const auto& recorded : batch)
            happened.push_back(decode_main(recorded));

        users_fold fold;
        const auto accounts = unknown_accounts(happened);
        if (!accounts.empty()) {
            const auto known = co_await load_rows<user_account_row>(read, accounts);
            for (const auto& row : known)
                fold.know(row);
        }
        for (const auto& one : happened)
            std::visit(fold, one);

        if (!fold.opened().empty())
            static_cast<void>(co_await upsert_rows<user_account_row>(read, fold.opened()));
        const auto rows = fold.rows();
        if (!rows.empty())
            static_cast<void>(co_await add_to_users(read, rows));
    }
};

} // namespace

std::unique_ptr<projection::projector> make_users_projector()
{
    return std::make_unique<users_projector>();
}

} // namespace tradecore::app::readmodel
