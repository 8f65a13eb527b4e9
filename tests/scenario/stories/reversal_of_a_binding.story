story: A binding that its client never heard of is reversed: it ends, and nothing more is paid
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00

crash care after writing COMMITTED as coordinator
bind b1 wang pays for li at care
expect b1 unheard
restart care
reverse b1 as v1
expect v1 done
expect reversal of b1 reversed
settle s1 100.00 of li at care
expect s1 says psn_cash_pay 70.00
expect wang has 500.00
