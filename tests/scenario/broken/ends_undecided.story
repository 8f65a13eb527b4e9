# fails: PREPARED, after
story: It ends while a coordinator that nobody excused is gone
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash care after writing COMMITTED as coordinator
settle s1 100.00 of li at care
expect care is down
end without care
