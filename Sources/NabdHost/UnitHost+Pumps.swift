import CommandFacts
import DeviceModel
import JournalFolds
import Logging
import OperatorDesk
import RealTime

/// The way in for people, and what the record says of commands of before.
extension UnitHost {
    /// How often the operators are read, and a socket that cannot be had is tried, again. Unit: s.
    private static let operatorsAgain = 5
    private static let doorAgain = 10

    /// What commands of before have left open, in a host that could drive pumps and does not, or that cannot at all:
    /// nobody decides it now, so it stands as long as this host runs.
    var alarmsWithoutDesk: [(alert: AlertKind, device: String?)] {
        guard desk?.pumps == nil, configuration.parts["pumps"] != nil || !CommandPath.isBuilt else { return [] }
        let ledger = CommandHistory(journal: configuration.journalDirectory).ledger
        var alarms: [(alert: AlertKind, device: String?)] = []
        // What was on its way when the last session ended is in doubt.
        if ledger.open.values.contains(where: { !$0.state.isWaiting }) { alarms.append((.commandUncertain, nil)) }
        if ledger.pumps.values.contains(where: { $0.stop != nil }) { alarms.append((.stopNotProven, nil)) }
        if ledger.isRecordDamaged || ledger.pumps.values.contains(where: { !$0.isLookedAt }) {
            alarms.append((.pumpToBeLookedAt, nil))
        }
        return alarms
    }

    /// Lets people in until it is cancelled. Without its socket the host runs on, says so, and tries again.
    func openDoor() async {
        guard let desk, let settings = configuration.people else { return }
        let watch = OperatorsWatch(path: settings.operators)
        let signIn = SignIn(
            operators(watch.told), failures: "\(settings.operators).failures",
            notice: { [logger] in logger.warning("\($0.words)") })
        let watching = Task { await follow(watch, into: signIn) }
        defer { watching.cancel() }
        var isTold = false
        while !Task.isCancelled {
            do {
                let socket = try DeskSocket(
                    path: settings.socket, signIn: signIn, desk: desk,
                    notice: { [logger] in logger.warning("\($0.words)") })
                logger.info("people may ask", metadata: ["socket": "\(settings.socket)"])
                isTold = false
                try await socket.run()
                return
            } catch {
                if !isTold { logger.error("nobody can ask the host for anything", metadata: ["reason": "\(error)"]) }
                isTold = true
            }
            try? await Task.sleep(for: .seconds(Self.doorAgain))
        }
    }

    /// Whoever may sign in; nobody where the file cannot be believed: whoever stops a pump need not.
    private func operators(_ found: OperatorsWatch.Found) -> Operators {
        switch found {
        case .operators(let operators): return operators
        case .fault(let reason):
            logger.error("nobody can sign in to command a pump, only to stop one", metadata: ["reason": "\(reason)"])
            return .nobody
        }
    }

    /// Whoever is put into the file or taken out of it while the host runs counts within seconds. A file that cannot be
    /// believed is told, and changes nothing.
    private func follow(_ watch: OperatorsWatch, into signIn: SignIn) async {
        var watch = watch
        while (try? await Task.sleep(for: .seconds(Self.operatorsAgain))) != nil {
            switch watch.look() {
            case nil: continue
            case .operators(let operators):
                signIn.use(operators)
                logger.notice("the operators were read again", metadata: ["count": "\(operators.count)"])
            case .fault(let reason):
                logger.error(
                    "the operators cannot be read again: who may sign in stays as it is",
                    metadata: ["reason": "\(reason)"])
            }
        }
    }
}
