story: A participant's store is full: nothing is promised there; with room again it goes on
about: disk: full
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

the store of east is full
settle s1 100.00 of li at care
expect s1 done
expect s1 explains unreachable
expect s1 says psn_cash_pay 70.00
expect east holds 0.00
the store of east has room
settle s2 50.00 of li at care
expect s2 paid by wang 50.00
expect wang has 450.00
