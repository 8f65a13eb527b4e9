story: A request that a restart interrupted and nobody asks again is closed as refused
about: request: interrupted
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash care after writing BEGUN
settle s1 100.00 of li at care
expect care is down
restart care
expect request s1 open
expect request s1 refused within 10m
expect wang can spend 500.00
