// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "readmodel/row_io.hpp"
#include "readmodel/typed_projector.hpp"

#include <boost/container_hash/hash.hpp>

#include <stdexcept>
#include <unordered_map>
#include <unordered_set>
#include <variant>

namespace tradecore::app::readmodel {

/// What: an event that needs a row which is not there. `what()` names the table, the key and the event.
class missing_row : public std::runtime_error {
public:
    missing_row(std::string_view table, const domain::uuid& key, std::string_view event_type);
};

using uuid_hash = boost::hash<domain::uuid>;

/// A read table with one row for each aggregate, whose events all come from the aggregate's own stream: the stream's
/// cursor, which the engine holds, keeps others from the row. A batch is one SELECT and one INSERT.
///
/// `Fold` says what the events mean:
///   row, event         the row's type and the variant of events
///   name, creation     the projector's name, and how the event that makes the row is applied
///   decode(recorded)   the event
///   make(e)            the row that the creating event makes
///   change(row, e)     what each later event changes
/// The first member of every handled event is the aggregate's id. The types handled are those with make or change.
template <class Fold>
class aggregate_projector final : public typed_projector {
public:
    aggregate_projector() : typed_projector(Fold::name, 1, handled()) {}

    [[nodiscard]] boost::asio::awaitable<void>
    apply(database& read, std::span<const events::recorded_event> batch) override
    {
        std::vector<event> happened;
        happened.reserve(batch.size());
        for (const auto& recorded : batch)
            happened.push_back(Fold::decode(recorded));

        row_map rows;
        rows.reserve(batch.size());
        const std::vector<domain::uuid> wanted = not_made_by(happened);
        if (!wanted.empty()) {
            auto loaded = co_await load_rows<row>(read, wanted);
            for (auto& one : loaded)
                rows.insert_or_assign(one.id, std::move(one));
        }
        for (const auto& one : happened)
            fold(rows, one);
        std::vector<row> changed;
        changed.reserve(rows.size());
        for (auto& [id, one] : rows)
            changed.push_back(std::move(one));
        static_cast<void>(co_await upsert_rows<row>(read, changed));
    }

private:
    using row = typename Fold::row;
    using event = typename Fold::event;
    using row_map = std::unordered_map<domain::uuid, row, uuid_hash>;

    template <class Event>
    static constexpr bool makes = requires(const Event& e) { Fold::make(e); };
    template <class Event>
    static constexpr bool changes = requires(row& to, const Event& e) { Fold::change(to, e); };

    static types handled()
    {
        types out;
        boost::mp11::mp_for_each<boost::mp11::mp_transform<std::type_identity, event>>([&](auto candidate) {
            using type = typename decltype(candidate)::type;
            if constexpr (makes<type>)
                out.emplace(type::event_type, Fold::creation);
            else if constexpr (changes<type>)
                out.emplace(type::event_type, projection::mode::async);
        });
        return out;
    }

    template <class Event>
    static const domain::uuid& key_of(const Event& e)
    {
        using first = boost::mp11::mp_front<
            boost::describe::describe_members<Event, boost::describe::mod_public | boost::describe::mod_inherited>>;
        return e.*first::pointer;
    }

    // Aggregates that the batch changes and that were made before it.
    static std::vector<domain::uuid> not_made_by(const std::vector<event>& happened)
    {
        std::unordered_set<domain::uuid, uuid_hash> seen;
        std::vector<domain::uuid> wanted;
        for (const auto& one : happened)
            std::visit(
                [&](const auto& e) {
                    using type = std::remove_cvref_t<decltype(e)>;
                    if constexpr (makes<type> || changes<type>) {
                        const bool is_new = seen.insert(key_of(e)).second;
                        if (is_new && !makes<type>)
                            wanted.push_back(key_of(e));
                    }
                },
                one);
        return wanted;
    }

    static void fold(row_map& rows, const event& happened)
    {
        std::visit(
            [&](const auto& e) {
                using type = std::remove_cvref_t<decltype(e)>;
                if constexpr (makes<type>) {
                    rows.insert_or_assign(key_of(e), Fold::make(e));
                }
                else if constexpr (changes<type>) {
                    const auto found = rows.find(key_of(e));
                    if (found == rows.end())
                        throw missing_row(row::table, key_of(e), type::event_type);
                    Fold::change(found->second, e);
                    found->second.updated_at = std::max(found->second.updated_at, e.occurred_at);
                }
            },
            happened);
    }
};

} // namespace tradecore::app::readmodel
