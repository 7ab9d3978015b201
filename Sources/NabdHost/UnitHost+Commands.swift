#if Commands
import CommandFacts
import JournalFolds
import Logging
import PumpDesk
import PumpRules
import RealTime

/// The command path of a unit that drives pumps.
extension UnitHost {
    /// How often the rules are read again. Unit: s.
    private static let rulesAgain = 10

    /// The command path, by what the journal tells; `nil` where no pump is driven.
    func commands() -> DeskRounds? {
        guard let desk, let pumps = desk.pumps, let keeper = configuration.pumpRules else { return nil }
        keeper.read()
        let history = CommandHistory(journal: configuration.journalDirectory)
        return DeskRounds(
            PumpDesk(history, pumps: pumps, gate: keeper, now: MonotonicClock().now()), asks: desk.asks)
    }

    /// An order that is signed while the host runs counts within seconds.
    func readRules() async {
        guard let keeper = configuration.pumpRules else { return }
        var told = keeper.faults
        while (try? await Task.sleep(for: .seconds(Self.rulesAgain))) != nil {
            keeper.read()
            let faults = keeper.faults
            if faults != told {
                for fault in faults {
                    logger.warning("a rule of the pumps cannot be used", metadata: ["fault": "\(fault)"])
                }
            }
            told = faults
        }
    }
}
#endif
