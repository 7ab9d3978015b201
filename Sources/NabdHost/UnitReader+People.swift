import StrictYAML

extension UnitReader {
    /// Reads who may ask the host, and where.
    mutating func readPeople(_ map: YAMLMapping) {
        map.allow(["operators", "socket"])
        guard let operators = map.required("operators")?.text("the file of those who may sign in") else { return }
        unit.people = PeopleSettings(
            operators: absolute(operators),
            socket: map["socket"]?.text("the socket's path").map(absolute) ?? "\(unit.journalDirectory).people")
    }

    /// In files of before, the people stand with the pumps.
    mutating func readPeople(ofPumps map: YAMLMapping) {
        guard unit.people == nil else {
            for key in ["operators", "socket"] {
                map[key]?.error("“people” says it already: take “\(key)” out here")
            }
            return
        }
        guard let operators = map.required("operators")?.text("the file of those who may command pumps") else { return }
        unit.people = PeopleSettings(
            operators: absolute(operators),
            socket: map["socket"]?.text("the socket's path").map(absolute) ?? "\(unit.journalDirectory).pumps")
    }
}
