// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "service/command.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/events/event_store.hpp>

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace tradecore::app::service {

/// What: makes sure that every event of one system that a command of the other has to answer is answered.
///
/// The caller of an append delivers its events at once, which is fast but ends with the process. The relay follows the
/// log from its checkpoint, asks the other store which answers are recorded (a command's id is the id of the event it
/// answers, so one question does for a whole batch), and delivers what is missing: what a crash left behind. Its
/// checkpoint moves only over events that are answered.
///
/// Thread safety: none. Lifetimes: everything it is given outlives it.
class relay {
public:
    struct parts {
        std::string name;          ///< of its checkpoint
        events::event_store& from; ///< whose events are followed
        events::event_store& to;   ///< where the answers are recorded
        database& checkpoints;     ///< has the table proj.checkpoint
        std::function<bool(const events::recorded_event&)> wants_answer;
        std::function<asio::awaitable<void>(events::recorded_event)> deliver;
        patience with_outages{};
    };

    /// What: says that the caller of an append delivers an event itself, so that the relay leaves it alone meanwhile.
    class mark {
    public:
        mark(relay& owner, const uuid& event_id) : under_way_(owner.under_way_), event_id_(event_id)
        {
            under_way_->insert(event_id_);
        }
        mark(const mark&) = delete;
        mark& operator=(const mark&) = delete;
        mark(mark&&) = delete;
        mark& operator=(mark&&) = delete;
        ~mark() { under_way_->erase(under_way_->find(event_id_)); }

    private:
        std::shared_ptr<std::multiset<uuid>> under_way_;
        uuid event_id_;
    };

    explicit relay(parts with);

    /// What: what becomes of an event that has no answer yet. It is left while callers deliver that set no marks
    ///   here, those of other processes: the relay then only passes over what they have delivered.
    enum class unanswered { deliver, leave };

    /// What: follows the log until `stop()`. Errors: out_of_patience when stores or database do not answer; what else
    ///   they and delivery throw.
    [[nodiscard]] asio::awaitable<void> run(unanswered what = unanswered::deliver);
    /// What: follows the log up to its head at the time of the call. Not while `run` is, or callers deliver.
    [[nodiscard]] asio::awaitable<void> catch_up();
    void stop() noexcept;

    /// What: events whose first delivery was lost.
    [[nodiscard]] std::uint64_t redelivered() const noexcept { return redelivered_; }
    /// What: up to which position the log is followed.
    [[nodiscard]] std::int64_t position() const noexcept { return saved_; }
    /// What: what it took to have its questions answered.
    [[nodiscard]] const repetitions& repetitions_made() const noexcept { return repeats_->made(); }

private:
    /// What: how often an event is seen unanswered before it is delivered from here.
    enum class waiting { for_ever, once, no_more };

    [[nodiscard]] asio::awaitable<void> prepare();
    [[nodiscard]] asio::awaitable<std::size_t> advance(waiting for_answers);
    [[nodiscard]] asio::awaitable<std::set<uuid>> answered();
    [[nodiscard]] asio::awaitable<void> save(std::int64_t position);

    parts with_;
    std::unique_ptr<repeater> repeats_;
    std::unique_ptr<events::log_reader> log_;
    std::deque<events::recorded_event> waiting_; ///< read, not yet passed
    std::shared_ptr<std::multiset<uuid>> under_way_ = std::make_shared<std::multiset<uuid>>();
    std::optional<uuid> suspect_; ///< seen unanswered; delivered when that is still so at the next look
    std::int64_t saved_ = 0;      ///< the checkpoint
    std::int64_t reached_ = 0;    ///< passed, and not saved when an outage came between
    std::uint64_t redelivered_ = 0;
    bool stopping_ = false;
    std::optional<asio::steady_timer> pause_;
};

} // namespace tradecore::app::service
