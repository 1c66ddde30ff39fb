// SPDX-License-Identifier: Apache-2.0
#include "domain/position.hpp"
#include "readmodel/aggregate_projector.hpp"
#include "readmodel/main_decode.hpp"
#include "readmodel/projectors.hpp"
#include "readmodel/rows.hpp"

#include <map>

namespace tradecore::app::readmodel {

namespace {

/// Positions and portfolios of the accounts of one batch.
class positions_fold {
public:
    void know(portfolio_row row) { portfolios_.insert_or_assign(row.account_id, std::move(row)); }
    void know(position_row row)
    {
        auto key = std::pair{row.account_id, row.symbol};
        positions_.insert_or_assign(std::move(key), std::move(row));
    }

    void operator()(const domain::account_created& e)
    {
        portfolio_row row;
        row.account_id = e.account_id;
        row.user_id = e.user_id;
        row.currency = e.currency;
        row.created_at = row.updated_at = e.occurred_at;
        know(std::move(row));
    }

    void operator()(const domain::funds_deposited& e)
    {
        portfolio_row& to = portfolio(e.account_id, e);
        to.cash += e.amount;
        to.deposited += e.amount;
        to.total_value = to.cash + to.market_value;
    }

    void operator()(const domain::fill_settled& e)
    {
        portfolio_row& to = portfolio(e.account_id, e);
        const auto [found, is_new] = positions_.try_emplace(std::pair{e.account_id, e.symbol});
        position_row& row = found->second;
        if (is_new) {
            row.account_id = e.account_id;
            row.symbol = e.symbol;
            row.user_id = to.user_id;
            row.opened_at = row.updated_at = e.occurred_at;
        }
        const money value_before = row.market_value;
        const money realised_before = row.realised;
        settle(row, e);
        to.cash += (e.side == domain::side::buy ? -e.notional : e.notional) - e.fee;
        to.market_value += row.market_value - value_before;
        to.realised += row.realised - realised_before;
        to.total_value = to.cash + to.market_value;
    }

    template <class Other>
    void operator()(const Other&)
    {}

    [[nodiscard]] std::vector<portfolio_row> portfolios() const { return values_of<portfolio_row>(portfolios_); }
    [[nodiscard]] std::vector<position_row> positions() const { return values_of<position_row>(positions_); }

private:
    template <class Event>
    portfolio_row& portfolio(const domain::uuid& account, const Event& e)
    {
        const auto found = portfolios_.find(account);
        if (found == portfolios_.end())
            throw missing_row(portfolio_row::table, account, Event::event_type);
        found->second.updated_at = std::max(found->second.updated_at, e.occurred_at);
        return found->second;
    }

    static void settle(position_row& row, const domain::fill_settled& e)
    {
        domain::position now{row.quantity, row.cost, row.realised};
        if (e.side == domain::side::buy)
            now.buy(e.quantity, e.notional, e.fee);
        else
            now.sell(e.quantity, e.notional, e.fee);
        row.quantity = now.quantity;
        row.cost = now.cost;
        row.realised = now.realised;
        row.average_cost = now.average();
        row.last_price = e.price;
        row.market_value = domain::notional_of(row.last_price, row.quantity);
        row.unrealised = row.market_value - row.cost;
        row.fills += 1;
        row.updated_at = std::max(row.updated_at, e.occurred_at);
    }

    template <class Row, class Map>
    static std::vector<Row> values_of(const Map& rows)
    {
        std::vector<Row> out;
        out.reserve(rows.size());
        for (const auto& [key, row] : rows)
            out.push_back(row);
        return out;
    }

    std::map<domain::uuid, portfolio_row> portfolios_;
    std::map<std::pair<domain::uuid, std::string>, position_row> positions_;
};

/// Accounts of the batch that were opened before it, and those of them that filled.
struct earlier_accounts {
    std::vector<domain::uuid> all;
    std::vector<domain::uuid> filled;

    explicit earlier_accounts(const std::vector<domain::event>& happened)
    {
        std::unordered_set<domain::uuid, uuid_hash> opened;
        std::unordered_set<domain::uuid, uuid_hash> seen;
        std::unordered_set<domain::uuid, uuid_hash> seen_filled;
        for (const auto& one : happened) {
            if (const auto* created = std::get_if<domain::account_created>(&one)) {
                opened.insert(created->account_id);
                continue;
            }
            const auto* deposit = std::get_if<domain::funds_deposited>(&one);
            const auto* fill = std::get_if<domain::fill_settled>(&one);
            if (deposit == nullptr && fill == nullptr)
                continue;
            const domain::uuid& id = deposit != nullptr ? deposit->account_id : fill->account_id;
            if (opened.contains(id))
                continue;
            if (seen.insert(id).second)
                all.push_back(id);
            if (fill != nullptr && seen_filled.insert(id).second)
                filled.push_back(id);
        }
    }
};

/// From account streams: AccountCreated, FundsDeposited, FillSettled. What is reserved does not matter here: free and
/// reserved are both the account's.
class positions_projector final : public typed_projector {
public:
    positions_projector()
        : typed_projector(
              "positions", 1,
              {{domain::account_created::event_type, projection::mode::async},
               {domain::funds_deposited::event_type, projection::mode::async},
               {domain::fill_settled::event_type, projection::mode::async}})
    {}

    [[nodiscard]] boost::asio::awaitable<void>
    apply(database& read, std::span<const events::recorded_event> batch) override
    {
        std::vector<domain::event> happened;
        happened.reserve(batch.size());
        for (const auto& recorded : batch)
            happened.push_back(decode_main(recorded));

        positions_fold fold;
        const earlier_accounts earlier(happened);
        if (!earlier.all.empty()) {
            auto known = co_await load_rows<portfolio_row>(read, earlier.all);
            for (auto& row : known)
                fold.know(std::move(row));
        }
        if (!earlier.filled.empty()) {
            auto known = co_await load_rows<position_row>(read, earlier.filled);
            for (auto& row : known)
                fold.know(std::move(row));
        }
        for (const auto& one : happened)
            std::visit(fold, one);

        const auto portfolios = fold.portfolios();
        if (!portfolios.empty())
            static_cast<void>(co_await upsert_rows<portfolio_row>(read, portfolios));
        const auto positions = fold.positions();
        if (!positions.empty())
            static_cast<void>(co_await upsert_rows<position_row>(read, positions));
    }
};

} // namespace

std::unique_ptr<projection::projector> make_positions_projector()
{
    return std::make_unique<positions_projector>();
}

} // namespace tradecore::app::readmodel
